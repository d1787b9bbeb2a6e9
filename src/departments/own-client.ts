import type { Queryable } from '../platform/database.ts';
import { clientSchema } from './client-metadata.ts';
import { sealSecret } from './client-secret.ts';

/**
 * Enters a relying party that is part of the product into the catalogue. It is not in `CLIENTS_FILE`, which
 * therefore neither changes nor disables it. Running it twice changes nothing.
 *
 * @throws ZodError when the entry would not pass as one of the file.
 */
export async function registerOwnClient(db: Queryable, entry: object, now: Date): Promise<void> {
  const { resources: _, ...metadata } = clientSchema.parse(entry);
  const { client_secret: secret } = metadata;
  const stored = { ...metadata, ...(secret && { client_secret: sealSecret(secret) }) };
  await db.query(
    `insert into clients as c (client_id, metadata, source, updated_at) values ($1, $2, 'product', $3)
     on conflict (client_id) do update set metadata = excluded.metadata, source = excluded.source,
       updated_at = excluded.updated_at, disabled_at = null
     where c.metadata is distinct from excluded.metadata or c.disabled_at is not null
       or c.source is distinct from excluded.source`,
    [metadata.client_id, JSON.stringify(stored), now],
  );
}
