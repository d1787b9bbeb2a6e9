import { isDeepStrictEqual } from 'node:util';
import type { AuditEvent } from '../audit/events.ts';
import { record, recordAll } from '../audit/log.ts';
import type { Queryable } from '../platform/database.ts';
import type { ClientEntry, ResourceEntry } from './client-metadata.ts';
import { sealSecret } from './client-secret.ts';

/** What the catalogue holds of a client. */
export interface Entry {
  metadata: Record<string, unknown>;
  resources: ResourceEntry[];
  disabled: boolean;
}

/** Where an entry comes from: `CLIENTS_FILE`, or the product itself. */
type Source = 'file' | 'product';

/** Lets nobody else write to the catalogue until the transaction ends, and reads what it says of these clients. */
export async function lockEntries(
  tx: Queryable,
  ids: readonly string[],
): Promise<Map<string, Entry & { source: Source }>> {
  await tx.query('lock table clients in share row exclusive mode');
  const rows = await tx.query<Entry & { id: string; source: Source }>(
    `select c.client_id as id, c.metadata, c.source, c.disabled_at is not null as disabled,
       coalesce((select jsonb_agg(to_jsonb(r) - 'client_id') from resources r
         where r.client_id = c.client_id), '[]') as resources
     from clients c where c.client_id = any($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, ...entry }) => [id, entry]));
}

const ordered = (resources: readonly ResourceEntry[]): ResourceEntry[] =>
  [...resources].sort((a, b) => (a.identifier < b.identifier ? -1 : 1));

type ClientEvent = AuditEvent<'client.registered' | 'client.changed' | 'client.enabled'>;

/** Which events lead from one entry to the other: none if they are the same. */
export function clientEvents(
  before: Entry | undefined,
  after: Entry,
): Pick<ClientEvent, 'type' | 'detail'>[] {
  if (!before) return [{ type: 'client.registered' }];
  const { client_secret: oldSecret, ...old } = before.metadata;
  const { client_secret: newSecret, ...now } = after.metadata;
  const detail = {
    ...(!isDeepStrictEqual(old, now) && { metadata: true }),
    ...(oldSecret !== newSecret && { secret: true }),
    ...(!isDeepStrictEqual(ordered(before.resources), ordered(after.resources)) && { resources: true }),
  };
  return [
    ...(before.disabled ? [{ type: 'client.enabled' } as const] : []),
    ...(Object.keys(detail).length > 0 ? [{ type: 'client.changed', detail } as const] : []),
  ];
}

/**
 * Writes one client and the resources it owns, with the audit rows of what is other than `lockEntries` read. The
 * secret is kept as a hash. The product may take a client over from the file, never the other way round.
 */
export async function enterClient(
  tx: Queryable,
  { resources, ...metadata }: ClientEntry,
  before: Entry | undefined,
  { source, now }: { source: Source; now: Date },
): Promise<void> {
  const { client_id: clientId, client_secret: secret } = metadata;
  const stored = JSON.stringify({ ...metadata, ...(secret && { client_secret: sealSecret(secret) }) });
  await tx.query(
    `insert into clients as c (client_id, metadata, source, updated_at) values ($1, $2, $3, $4)
     on conflict (client_id) do update set metadata = excluded.metadata, updated_at = excluded.updated_at,
       disabled_at = null, source = case c.source when 'product' then c.source else excluded.source end
     where c.metadata is distinct from excluded.metadata or c.disabled_at is not null
       or (c.source = 'file' and excluded.source = 'product')`,
    [clientId, stored, source, now],
  );
  for (const { identifier, scope, min_acr, access_token_format } of resources) {
    await tx.query(
      `insert into resources (identifier, client_id, scope, min_acr, access_token_format)
       values ($1, $2, $3, $4, $5)
       on conflict (identifier) do update set client_id = excluded.client_id, scope = excluded.scope,
         min_acr = excluded.min_acr, access_token_format = excluded.access_token_format`,
      [identifier, clientId, scope, min_acr, access_token_format],
    );
  }
  const after = { metadata: JSON.parse(stored) as Entry['metadata'], resources, disabled: false };
  for (const event of clientEvents(before, after)) {
    await record(tx, { ...event, clientId, actor: 'system', at: now });
  }
}

/** Disables the clients that were entered from the file and are not among these. */
export async function disableOthers(tx: Queryable, ids: readonly string[], now: Date): Promise<void> {
  const gone = await tx.query<{ client_id: string }>(
    `update clients set disabled_at = $2 where source = 'file' and disabled_at is null and client_id <> all($1)
     returning client_id`,
    [ids, now],
  );
  await recordAll(
    tx,
    gone.map(({ client_id: clientId }) => ({
      type: 'client.disabled',
      clientId,
      actor: 'system',
      at: now,
    })),
  );
}
