import type { Database } from '../platform/database.ts';
import { clientSchema } from './client-metadata.ts';
import { enterClient, lockEntries } from './enter-client.ts';

/**
 * Enters a relying party that is part of the product into the catalogue. It is not in `CLIENTS_FILE`, which
 * therefore neither changes nor disables it. Running it twice changes nothing.
 *
 * @throws ZodError when the entry would not pass as one of the file.
 */
export async function registerOwnClient(db: Database, entry: object, now: Date): Promise<void> {
  const client = clientSchema.parse(entry);
  await db.transaction(async (tx) => {
    const known = await lockEntries(tx, [client.client_id]);
    await enterClient(tx, { ...client, resources: [] }, known.get(client.client_id), {
      source: 'product',
      now,
    });
  });
}
