import { type CryptoKey, importJWK, type JWK } from 'jose';
import { verify } from '../../src/audit/verify.ts';
import { findByIdentifier } from '../../src/citizens/store.ts';
import type { Database } from '../../src/platform/database.ts';
import type { Cipher } from '../../src/platform/field-encryption.ts';

/** What people was told, and could rely on from then on. */
export interface Acknowledged {
  registered: Set<string>;
  /** Sessions that an ID token named, by user name. */
  sessions: Map<string, string[]>;
  /** How many second factors were accepted, by user name: each left a proof and an audit row. */
  factors: Map<string, number>;
}

/** Everything that must never be seen in the database, whatever moment it was left at. */
const HALVES = {
  'a citizen without account, password, identifiers, evidence or audit row': `
    select c.id::text from citizens c where
      not exists (select from accounts a where a.citizen_id = c.id and a.state = 'active' and a.phone is not null)
      or not exists (select from passwords p where p.citizen_id = c.id)
      or (select count(distinct kind) from identifiers i where i.citizen_id = c.id) <> 3
      or (select count(distinct method) from evidence e
          where e.citizen_id = c.id and method in ('register', 'carrier')) <> 2
      or (select count(*) from audit_events u
          where u.citizen_id = c.id and u.type = 'registration.completed') <> 1`,
  'an account, password, identifier or evidence without citizen': `
    select citizen_id::text from (select citizen_id from accounts union select citizen_id from passwords
      union select citizen_id from identifiers union select citizen_id from evidence) x
    where not exists (select from citizens c where c.id = x.citizen_id)`,
  'an audit row of a registration without its citizen': `
    select citizen_id::text from audit_events u where type = 'registration.completed'
      and not exists (select from citizens c where c.id = u.citizen_id)`,
  'a proof without its audit row, or the other way round': `
    select coalesce(p.citizen_id, u.citizen_id)::text
    from (select citizen_id, method, count(*) from proofs group by 1, 2) p
    full join (select citizen_id, detail->>'method' as method, count(*) from audit_events
               where type = 'proof.recorded' group by 1, 2) u using (citizen_id, method, count)
    where p.citizen_id is null or u.citizen_id is null`,
  'a finished login attempt without the proof that finished it': `
    select interaction_uid from login_attempts l where finished_at is not null and not exists (
      select from proofs p where p.interaction_uid = l.interaction_uid and p.method = 'sms')`,
  'evidence without its audit row': `
    select id::text from evidence e where not exists (select from audit_events u
      where u.citizen_id = e.citizen_id and u.type = 'evidence.recorded' and u.detail->>'method' = e.method)`,
};

/** What is half done in a database. */
export async function halves(db: Database): Promise<string[]> {
  const found: string[] = [];
  for (const [what, text] of Object.entries(HALVES)) {
    if ((await db.query(text)).length > 0) found.push(what);
  }
  return found;
}

/** What was acknowledged and is not there. */
export async function lost(
  db: Database,
  cipher: Cipher,
  { registered, sessions, factors }: Acknowledged,
): Promise<string[]> {
  const missing: string[] = [];
  for (const name of registered) {
    const citizenId = (await findByIdentifier(db, cipher, name))?.citizenId;
    if (citizenId === undefined) {
      missing.push(`the account of ${name}`);
      continue;
    }
    const [row] = await db.query<{ proofs: number; sids: string[] }>(
      `select (select count(*) from proofs where citizen_id = $1::uuid and method = 'sms') as proofs,
         array(select v.value->>'sid' from sessions s, jsonb_each(s.authorizations) v
               where s.account_id = $1::text) as sids`,
      [citizenId],
    );
    if (Number(row?.proofs) < (factors.get(name) ?? 0)) missing.push(`a proof of ${name}`);
    for (const sid of sessions.get(name) ?? []) {
      if (!row?.sids.includes(sid)) missing.push(`a session of ${name}`);
    }
  }
  return missing;
}

/** The first link of the sealed audit log that does not hold. */
export async function brokenLink(db: Database) {
  const keys = new Map<string, CryptoKey>();
  for (const { kid, public_jwk } of await db.query<{ kid: string; public_jwk: JWK }>(
    'select kid, public_jwk from audit_keys',
  )) {
    keys.set(kid, (await importJWK(public_jwk, 'ES256')) as CryptoKey);
  }
  return (await verify(db, { keyOf: (kid) => keys.get(kid), known: undefined })).broken;
}
