// Tries to read a stream, and says what that ends with: node refused.mjs <eventstore|kurrent> <connection string> <stream>
import { all, arguments_, connect, failure, report } from './common.mjs';

const client = connect();
const [stream] = arguments_;
report({
  read: await failure(() => all(client.readStream(stream))),
  all: await failure(() => all(client.readAll({ maxCount: 1 }))),
  append: await failure(() => client.deleteStream(stream)),
});
