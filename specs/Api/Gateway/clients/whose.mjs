// Says whose events a key shows: node whose.mjs <eventstore|kurrent> <connection string> <own book> <other book>
import { all, arguments_, connect, failure, report } from './common.mjs';

const client = connect();
const [own, other] = arguments_;
const everything = await all(client.readAll());
report({
  own: (await all(client.readStream(own))).length,
  all: everything.length,
  streams: [...new Set(everything.map(({ event }) => event.streamId))],
  other: await failure(() => all(client.readStream(other))),
});
