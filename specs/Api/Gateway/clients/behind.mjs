// Follows a book and says what happened: node behind.mjs <eventstore|kurrent> <connection string> <book>
// It says "ready" when it has caught up, expects one more event then, and to have caught up again.
import { arguments_, connect, library, report } from './common.mjs';

const [book] = arguments_;
const client = connect();
const happened = [];
const subscription = client.subscribeToStream(book, { fromRevision: library.END });
subscription.on('data', () => happened.push('event'));
subscription.on('fellBehind', () => happened.push('fellBehind'));
await new Promise((done) => subscription.on('caughtUp', () => {
  happened.push('caughtUp');
  if (happened.length === 1) console.error('ready');
  if (happened.includes('event')) done();
}));
await subscription.unsubscribe();
await client.dispose();
report({ happened });
