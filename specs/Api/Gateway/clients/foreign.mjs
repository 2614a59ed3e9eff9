// Asks for what is not the reading side, and says what that ends with: node foreign.mjs <eventstore|kurrent> <connection string>
import { arguments_, connect, library, report } from './common.mjs';

const { persistentSubscriptionToStreamSettingsFromDefaults: ofStream, persistentSubscriptionToAllSettingsFromDefaults: ofAll } = library;
const client = connect();
const opened = (subscription) =>
  new Promise((done, fail) => subscription.once('confirmation', done).once('error', fail).resume?.());
const asked = {
  createToStream: () => client.createPersistentSubscriptionToStream('book-sandbox', 'g', ofStream()),
  createToAll: () => client.createPersistentSubscriptionToAll('g', ofAll()),
  updateToStream: () => client.updatePersistentSubscriptionToStream('book-sandbox', 'g', ofStream()),
  updateToAll: () => client.updatePersistentSubscriptionToAll('g', ofAll()),
  deleteToStream: () => client.deletePersistentSubscriptionToStream('book-sandbox', 'g'),
  deleteToAll: () => client.deletePersistentSubscriptionToAll('g'),
  subscribeToStream: () => opened(client.subscribeToPersistentSubscriptionToStream('book-sandbox', 'g')),
  subscribeToAll: () => opened(client.subscribeToPersistentSubscriptionToAll('g')),
  infoOfStream: () => client.getPersistentSubscriptionToStreamInfo('book-sandbox', 'g'),
  infoOfAll: () => client.getPersistentSubscriptionToAllInfo('g'),
  listAll: () => client.listAllPersistentSubscriptions(),
  listToStream: () => client.listPersistentSubscriptionsToStream('book-sandbox'),
  listToAll: () => client.listPersistentSubscriptionsToAll(),
  replayToStream: () => client.replayParkedMessagesToStream('book-sandbox', 'g'),
  replayToAll: () => client.replayParkedMessagesToAll('g'),
  restartSubsystem: () => client.restartPersistentSubscriptionSubsystem(),
  createProjection: () => client.createProjection('p', 'fromAll()'),
  listProjections: () => client.listProjections(),
  tombstone: () => client.tombstoneStream('book-sandbox'),
};
const seen = {};
for (const [name, ask] of Object.entries(asked)) {
  try {
    await ask();
    seen[name] = 'none';
  } catch (error) {
    seen[name] = `${error.type ?? error.name}/${error.code ?? ''}/${error.message}`;
  }
}
await client.dispose();
report(seen);
