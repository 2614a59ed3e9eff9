// Writes to an event store and reads back: node append.mjs <eventstore|kurrent> <connection string>
import { randomUUID } from 'node:crypto';
import { all, connect, expecting, failure, library, report, revisions } from './common.mjs';

const { jsonEvent, NO_STREAM, ANY, START, END, FORWARDS, BACKWARDS, eventTypeFilter } = library;
const client = connect();
const make = (n, id) => jsonEvent({ id: id ?? randomUUID(), type: `made.${n % 2 ? 'odd' : 'even'}`, data: { n }, metadata: { m: n } });
const many = (from, count) => Array.from({ length: count }, (_, i) => make(from + i));
const seen = {};
const stream = 'orders-1';

const subscribed = [];
const subscription = client.subscribeToStream(stream, { fromRevision: START });
const five = new Promise((done) => subscription.on('data', (e) => subscribed.push(e) === 5 && done()));

const first = make(0);
const one = await client.appendToStream(stream, first, expecting(NO_STREAM));
seen.first = one.nextExpectedRevision;
const again = await client.appendToStream(stream, first, expecting(NO_STREAM));
seen.repeated = again.nextExpectedRevision;
seen.conflict = await failure(() => client.appendToStream(stream, make(1), expecting(NO_STREAM)));
seen.conflictAt = await failure(() => client.appendToStream(stream, make(1), expecting(7n)));
const batch = await client.appendToStream(stream, many(1, 4), expecting(0n));
seen.batch = batch.nextExpectedRevision;
const plain = await client.appendToStream(stream, many(5, 2), { ...expecting(4n), credentials: undefined });
seen.last = plain.nextExpectedRevision;
await five;
seen.subscribed = revisions(subscribed.slice(0, 5));
await subscription.unsubscribe();

seen.forwards = revisions(await all(client.readStream(stream, { direction: FORWARDS, fromRevision: 2n, maxCount: 3 })));
seen.backwards = revisions(await all(client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 2 })));
seen.missing = await failure(() => all(client.readStream('nothing-here')));
seen.data = (await all(client.readStream(stream, { maxCount: 1 })))[0].event.data;
seen.metadata = (await all(client.readStream(stream, { maxCount: 1 })))[0].event.metadata;
seen.id = (await all(client.readStream(stream, { maxCount: 1 })))[0].event.id === first.id;

const odd = [];
const filtered = client.subscribeToAll({ fromPosition: START, filter: eventTypeFilter({ prefixes: ['made.odd'], checkpointInterval: 1 }) });
await new Promise((done) => filtered.on('data', (e) => odd.push(e) === 3 && done()));
seen.odd = revisions(odd);
await filtered.unsubscribe();

await client.setStreamMetadata('short-1', { maxCount: 1 });
for (const n of [0, 1, 2]) await client.appendToStream('short-1', make(n), expecting(ANY));
seen.kept = revisions(await all(client.readStream('short-1')));
seen.huge = await failure(() =>
  client.appendToStream('huge', jsonEvent({ type: 'huge', data: 'x'.repeat(1024 * 1024 + 1) }), expecting(ANY)));
await client.deleteStream('short-1');
seen.deleted = await failure(() => all(client.readStream('short-1')));
await client.tombstoneStream('short-1');
seen.tombstoned = await failure(() => all(client.readStream('short-1')));
await client.dispose();
report(seen);
