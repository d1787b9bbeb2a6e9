import { readEvidence } from '../assurance/store.ts';
import { readAccess } from '../audit/access-log.ts';
import { ownEvents } from '../audit/own-events.ts';
import { waitingClosing } from '../citizens/closing.ts';
import { listCredentials } from '../citizens/credentials.ts';
import { readCitizen } from '../citizens/store.ts';
import { readConsents } from '../consents/store.ts';
import type { Queryable } from '../platform/database.ts';
import { listSessions } from '../sessions/session-store.ts';
import type { AccountDeps } from './deps.ts';
import { describeAgent } from './masked.ts';

async function allAccesses(db: Queryable, citizenId: string) {
  const accesses = [];
  let after: Awaited<ReturnType<typeof readAccess>>['next'];
  do {
    const page = await readAccess(db, citizenId, { after, limit: 100 });
    accesses.push(...page.rows.map(({ at, clientId, what, purpose }) => ({ at, clientId, what, purpose })));
    after = page.next;
  } while (after !== undefined);
  return accesses;
}

/**
 * A copy of everything the platform holds about a citizen (个人信息保护法 §45): their own words and numbers in full,
 * no secrets (password hash, keys), nothing of other people.
 */
export async function ownData(
  { db, cipher, clock, moreData }: Pick<AccountDeps, 'db' | 'cipher' | 'clock' | 'moreData'>,
  citizenId: string,
): Promise<Record<string, unknown>> {
  const now = clock();
  const citizen = await readCitizen(db, cipher, citizenId);
  if (!citizen) throw new RangeError(`no citizen ${citizenId}`);
  const { name, documentType, idNumber, birthDate, username, phone, phoneSince, createdAt } = citizen;
  const events = [];
  for await (const event of ownEvents(db, citizenId)) events.push(event);
  const sessions = await listSessions(db, citizenId, now);
  const more: Record<string, unknown> = {};
  for (const [part, read] of Object.entries(moreData ?? {})) more[part] = await read(citizenId);
  return {
    format: 'yimatong-own-data-1',
    at: now,
    person: { name, documentType, idNumber, birthDate, knownSince: createdAt },
    account: {
      username,
      phone,
      phoneSince,
      openedAt: citizen.accountCreatedAt,
      cappedUntil: citizen.levelCapUntil,
      closing: await waitingClosing(db, citizenId),
    },
    waysToLogIn: await listCredentials(db, citizenId),
    evidence: (await readEvidence(db, citizenId)).map(({ id: _id, ...evidence }) => evidence),
    sessions: sessions.map(({ clientIds, userAgent, loginAt, createdAt: since }) => ({
      since: loginAt ?? since,
      device: describeAgent(userAgent),
      clientIds,
    })),
    consents: await readConsents(db, citizenId),
    accesses: await allAccesses(db, citizenId),
    events,
    ...more,
  };
}
