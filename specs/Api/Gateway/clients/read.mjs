// Reads a book at its audit gateway: node read.mjs <eventstore|kurrent> <connection string> <book> <account> <transfer>
// It says "ready" when its subscriptions are level, and expects one more event of that account then.
import { createHash } from 'node:crypto';
import { all, arguments_, connect, failure, family, library, report, revisions } from './common.mjs';

const { START, END, FORWARDS, BACKWARDS, eventTypeFilter, streamNameFilter } = library;
const [book, account, transfer] = arguments_;
const client = connect();
const seen = {};

const forwards = await all(client.readStream(book));
seen.count = forwards.length;
seen.forwards = revisions(await all(client.readStream(book, { direction: FORWARDS, fromRevision: 3n, maxCount: 2 })));
seen.backwards = revisions(await all(client.readStream(book, { direction: BACKWARDS, fromRevision: END, maxCount: 2 })));
seen.backwardsFrom = revisions(await all(client.readStream(book, { direction: BACKWARDS, fromRevision: 2n })));
seen.missing = await failure(() => all(client.readStream('book-of-nobody')));
seen.noAccount = await failure(() => all(client.readStream('account-nobody')));

const everything = await all(client.readAll());
seen.all = revisions(everything);
seen.positions = everything.map(({ event }) => Number(event.position.commit));
const third = everything[2].event.position;
seen.allFrom = revisions(await all(client.readAll({ fromPosition: third, maxCount: 2 })));
seen.allBackwards = revisions(await all(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 3 })));
seen.allBackwardsFrom = revisions(await all(client.readAll({ direction: BACKWARDS, fromPosition: third, maxCount: 9 })));
if (family === 'kurrent')
  seen.allFiltered = (await all(client.readAll({ filter: eventTypeFilter({ prefixes: ['account.'] }) }))).map((r) => r.event.type);

const links = await all(client.readStream(account, { resolveLinkTos: true }));
seen.links = links.map(({ event, link }) => [Number(link.revision), link.streamId, event.streamId, Number(event.revision)]);
seen.bare = (await all(client.readStream(account, { maxCount: 1 }))).map(({ event }) => event.type);
seen.transfer = revisions(await all(client.readStream(transfer, { resolveLinkTos: true })));

// The leaf of an event is the hash of a zero byte and its bytes: what the client got, written again as it came.
const raw = forwards.map(({ event }) => event);
seen.created = raw.every((e) => new Date(e.created).getUTCFullYear() === 2026);
seen.leaves = raw.map((e) => {
  const line = Buffer.isBuffer(e.data) || e.data instanceof Uint8Array ? Buffer.from(e.data) : Buffer.from(JSON.stringify(e.data));
  return createHash('sha256').update(Buffer.from([0])).update(line).digest('hex');
});
seen.metadata = raw.map((e) => e.metadata);
seen.ids = raw.map((e) => e.id);

const next = (subscription, into) => subscription.on('data', (e) => into.push(e));
const until = async (ready) => {
  while (!ready()) await new Promise((done) => setTimeout(done, 20));
};
const ofStream = [], ofAll = [], ofAccount = [], live = [], checkpoints = [];
const subscriptions = [
  next(client.subscribeToStream(book, { fromRevision: 1n }), ofStream),
  next(client.subscribeToAll({
    fromPosition: START,
    filter: eventTypeFilter({ regex: '^(account|transfer)\\.[a-z]+\\.v1$', maxSearchWindow: 1, checkpointInterval: 1, checkpointReached: (_, p) => checkpoints.push(Number(p.commit)) }),
  }), ofAll),
  next(client.subscribeToStream(account, { fromRevision: START, resolveLinkTos: true }), ofAccount),
  next(client.subscribeToAll({ fromPosition: END, filter: streamNameFilter({ prefixes: ['book-'] }) }), live),
];
await Promise.all(subscriptions.map((s) => new Promise((done) => s.once('confirmation', done))));
await until(() => ofStream.length === forwards.length - 2 && ofAccount.length === links.length);
console.error('ready');
await until(() => live.length > 0 && ofStream.length > forwards.length - 2 && ofAccount.length > links.length && ofAll.at(-1)?.event.revision === live[0].event.revision);
seen.live = revisions(live);
seen.ofStream = revisions(ofStream);
seen.ofAll = ofAll.map(({ event }) => event.type);
seen.ofAccount = revisions(ofAccount);
seen.checkpoints = checkpoints.length > 0 && checkpoints.every((p, i) => i === 0 || p >= checkpoints[i - 1]);
await Promise.all(subscriptions.map((s) => s.unsubscribe()));
await client.dispose();
report(seen);
