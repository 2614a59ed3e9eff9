// What the scripts beside this file share: one of the two official clients, and a report of what was seen.
export const family = process.argv[2];
const [, , , connection, ...rest] = process.argv;
export const arguments_ = rest;

const clients = {
  eventstore: () => import('@eventstore/db-client').then((m) => m.default ?? m),
  kurrent: () => import('@kurrent/kurrentdb-client').then((m) => m.default ?? m),
};
export const library = await clients[family]();
const Client = library.EventStoreDBClient ?? library.KurrentDBClient;

export const connect = (to = connection) => Client.connectionString([to]);

/** The expectation of an append has another name in each client. */
export const expecting = (revision) =>
  family === 'kurrent' ? { streamState: revision } : { expectedRevision: revision };

/** Everything that a read returns. */
export async function all(reading) {
  const seen = [];
  for await (const resolved of reading) seen.push(resolved);
  return seen;
}

/** The name of the error that something ends with, or "none". */
export async function failure(work) {
  try {
    await work();
    return 'none';
  } catch (error) {
    return error.type ?? error.name ?? String(error);
  }
}

export const revisions = (events) => events.map(({ event }) => Number(event.revision));

/** Ends the process with what was seen, as one line of JSON. */
export function report(seen) {
  process.stdout.write(
    JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? Number(value) : value)) + '\n',
    () => process.exit(0),
  );
}

setTimeout(() => {
  console.error('nothing more came in time');
  process.exit(3);
}, 45_000).unref();
