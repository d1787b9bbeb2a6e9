import type { Clock } from '../platform/clock.ts';
import type { Queryable } from '../platform/database.ts';
import { lifetimes } from '../platform/lifetimes.ts';

export interface Resource {
  identifier: string;
  /** The client that owns the API: it alone may introspect tokens meant for it. */
  clientId: string;
  scope: string;
  minAcr: string;
  accessTokenFormat: 'opaque' | 'jwt';
}

export interface Catalogue {
  client(id: string): Promise<Record<string, unknown> | undefined>;
  resource(identifier: string): Promise<Resource | undefined>;
}

const MOST = 10_000;

/**
 * The catalogue, cached in process for `clientCache` (at most five seconds): a disabled client is gone by then.
 * Unknown names are cached too, within a bound, so that a flood of them does not reach the database.
 */
export function openCatalogue(db: Queryable, clock: Clock): Catalogue {
  return {
    client: cached(clock, async (id) => {
      const [row] = await db.query<{ metadata: Record<string, unknown> }>(
        'select metadata from clients where client_id = $1 and disabled_at is null',
        [id],
      );
      return row?.metadata;
    }),
    resource: cached(clock, async (identifier) => {
      const [row] = await db.query<Resource>(
        `select r.identifier, r.client_id as "clientId", r.scope, r.min_acr as "minAcr",
                r.access_token_format as "accessTokenFormat"
           from resources r join clients c on c.client_id = r.client_id and c.disabled_at is null
          where r.identifier = $1`,
        [identifier],
      );
      return row;
    }),
  };
}

function cached<T>(clock: Clock, load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const entries = new Map<string, { until: number; value: Promise<T> }>();
  return (key) => {
    const now = clock().getTime();
    const until = now + lifetimes.clientCache * 1_000;
    const known = entries.get(key);
    if (known !== undefined && known.until > now && known.until <= until) return known.value;
    if (entries.size >= MOST) entries.clear();
    const value = load(key);
    entries.set(key, { until, value });
    value.catch(() => entries.delete(key));
    return value;
  };
}
