import { SignJWT } from 'jose';
import type { Queryable } from '../../platform/database.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { LIST_SIZE, listOf, packStatusList, STATUS_LIST_TYPE } from '../wire/status-list.js';
import type { HealthKeys } from './keys.ts';

/** The largest number that PostgreSQL's sequence gives would need this many lists; an address may name no more. */
const LISTS = Math.floor(Number.MAX_SAFE_INTEGER / LIST_SIZE);

/** The numbers of the lists that attestations stand in; always at least one, so that its age is known. */
export async function liveLists(db: Queryable): Promise<number[]> {
  const [row] = await db.query<{ first: number | null; last: number | null }>(
    `select (select status from health_attestations order by status limit 1) as first,
       (select status from health_attestations order by status desc limit 1) as last`,
  );
  const first = listOf(row?.first ?? 0);
  const last = listOf(row?.last ?? 0);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/**
 * One status list, made anew and signed: a JWT of type `statuslist+jwt` (IETF OAuth Token Status List).
 *
 * @param issuer whose address its subject begins with.
 */
export async function statusList(
  db: Queryable,
  keys: HealthKeys,
  { list, issuer, now }: { list: number; issuer: string; now: Date },
): Promise<string | undefined> {
  if (!Number.isSafeInteger(list) || list < 0 || list >= LISTS) return undefined;
  const first = list * LIST_SIZE;
  const rows = await db.query<{ status: number }>(
    `select status from health_attestations
     where revoked and status >= $1 and status < $2 and expires_at > $3`,
    [first, first + LIST_SIZE, now],
  );
  const { key, kid } = await keys.signer(now);
  const at = Math.floor(now.getTime() / 1_000);
  return new SignJWT({
    ttl: lifetimes.healthStatusList,
    status_list: await packStatusList(rows.map(({ status }) => status - first)),
  })
    .setProtectedHeader({ alg: 'ES256', typ: STATUS_LIST_TYPE, kid })
    .setSubject(`${issuer}/health/status-lists/${list}`)
    .setIssuedAt(at)
    .setExpirationTime(at + lifetimes.healthOffline)
    .sign(key);
}
