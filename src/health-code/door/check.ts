import { readCitizen } from '../../citizens/store.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Limits } from '../../platform/limits.ts';
import { withRules } from '../citizen-page.ts';
import { decideFor } from '../decide.ts';
import type { Colour } from '../engine/types.ts';
import { type Holder, readHolder } from '../people.ts';
import { healthSettings } from '../settings.ts';
import { findAttested } from '../show/attest.ts';
import { endWithGuardians } from '../show/former-guardians.ts';
import type { HealthKeys } from '../show/keys.ts';
import { ONLINE, redeemOnline } from '../show/online-code.ts';
import { findPaper, PAPER } from '../show/paper.ts';
import { importPoint } from '../wire/cose.js';
import { fromBase64Url } from '../wire/jws.js';
import { OFFLINE } from '../wire/offline-code.js';
import { FUTURE, type OfflineVerdict, PAST, verifyOfflineCode } from '../wire/verify.js';
import { recordScan, type ScanKind } from './scans.ts';
import type { Venue } from './venues.ts';

/** `document_missing`: a paper code needs the last digits of a document; `document_mismatch`: they are others. */
export type Verdict = OfflineVerdict | 'document_missing' | 'document_mismatch';

export interface CheckResult {
  verdict: Verdict;
  kind?: ScanKind;
  /** The colour that holds now, where the code is genuine and in time. */
  colour?: Colour;
  /** Masked, for comparison. */
  name?: string;
  lastTwo?: string;
}

export interface CheckDeps {
  db: Database;
  cipher: Cipher;
  keys: HealthKeys;
  limits: Pick<Limits, 'consume' | 'refund'>;
}

export interface Asked {
  venue: Pick<Venue, 'id'>;
  /** What was scanned or typed. */
  code: string;
  /** The last four characters of the number on the document, for a code on paper. */
  document?: string | undefined;
  /** The question that the gate asked. */
  nonce?: string | undefined;
  /** What the door calls this request: the same one, asked again, is the same showing of an online code. */
  request?: string | undefined;
  now: Date;
}

/** How much of a document's number a venue types. */
export const DOCUMENT_LETTERS = 4;

/** What was typed or pasted, as the code that was meant; a code may end in a space. */
export const readTyped = (text: string): string =>
  text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\r\n\t]/g, '')
    .trimStart();

/**
 * The verdict on a code that somebody shows at a venue, with a trace of the visit where it is genuine. Whatever
 * the code says, the colour is decided now.
 *
 * @throws Problem `too_many_attempts` 429 for a paper that is tried with document after document;
 * `health_unavailable` 503 without a rule set in force. Then nothing is used up.
 */
export async function checkCode(deps: CheckDeps, asked: Asked): Promise<CheckResult> {
  const code = readTyped(asked.code);
  const other = [[ONLINE, 'online'] as const, [PAPER, 'paper'] as const].find(([start]) =>
    code.startsWith(start),
  );
  // Only a phone can answer; whatever else is shown to a gate that asks may come from anywhere.
  if (asked.nonce !== undefined && other) return { verdict: 'wrong_nonce', kind: other[1] };
  if (code.startsWith(ONLINE)) return withRules(() => checkOnline(deps, { ...asked, code }));
  if (code.startsWith(OFFLINE)) return withRules(() => checkOffline(deps, { ...asked, code }));
  if (code.startsWith(PAPER)) return withRules(() => checkPaper(deps, { ...asked, code }));
  return { verdict: 'unknown' };
}

/** Decides the colour of somebody whose code was good, and leaves the trace, unless this showing `again` has one. */
async function admit(
  tx: Queryable,
  { cipher }: CheckDeps,
  {
    citizenId,
    kind,
    venue,
    again = false,
    now,
  }: { citizenId: string; kind: ScanKind; again?: boolean } & Pick<Asked, 'venue' | 'now'>,
): Promise<CheckResult> {
  const { colour } = await decideFor(tx, citizenId, now);
  const holder = await readHolder(tx, cipher, citizenId);
  if (!again) await recordScan(tx, cipher, { venueId: venue.id, who: citizenId, kind, at: now });
  return { verdict: colour === 'GREEN' ? 'valid' : 'wrong_colour', kind, colour, ...shown(holder) };
}

const shown = ({ maskedName, lastTwo }: Holder) => ({ name: maskedName, lastTwo });

function checkOnline(deps: CheckDeps, { venue, code, request, now }: Asked): Promise<CheckResult> {
  return deps.db.transaction(async (tx) => {
    const redeemed = await redeemOnline(tx, { code, venueId: venue.id, request, now });
    const kind = 'online';
    if (redeemed.outcome === 'unknown') return { verdict: 'unknown', kind };
    const { outcome, citizenId } = redeemed;
    if (outcome === 'redeemed' || outcome === 'asked_again') {
      return admit(tx, deps, { citizenId, kind, venue, again: outcome === 'asked_again', now });
    }
    return { verdict: outcome, kind, ...shown(await readHolder(tx, deps.cipher, citizenId)) };
  });
}

function checkOffline(deps: CheckDeps, { venue, code, nonce, now }: Asked): Promise<CheckResult> {
  const { db, keys } = deps;
  const kind = 'offline';
  return db.transaction(async (tx) => {
    const seconds = now.getTime() / 1_000;
    let citizenId: string | undefined;
    const { verdict, holder } = await verifyOfflineCode(code, {
      keys: await trustedKeys(keys, now),
      region: healthSettings.region,
      now: seconds,
      nonce,
      revokedAge: 0,
      async revoked(status) {
        const attested = await findAttested(tx, status, now);
        citizenId = attested?.citizenId;
        if (attested === undefined || attested.shownBy === attested.citizenId)
          return attested?.revoked ?? true;
        await endWithGuardians(tx, deps.cipher, { ...attested, now });
        return (await findAttested(tx, status, now))?.revoked ?? true;
      },
      first: (digest) => firstShowing(tx, { venueId: venue.id, digest, now }),
    });
    if (citizenId && (verdict === 'valid' || verdict === 'wrong_colour'))
      return admit(tx, deps, { citizenId, kind, venue, now });
    return { verdict, kind, ...(holder && { name: holder.name, lastTwo: holder.lastTwo }) };
  });
}

async function checkPaper(deps: CheckDeps, { venue, code, document, now }: Asked): Promise<CheckResult> {
  const { db, cipher, limits } = deps;
  const kind = 'paper';
  const paper = await db.transaction(async (tx) => {
    const found = await findPaper(tx, code, now);
    if (found === undefined || found.issuedBy === found.citizenId) return found;
    await endWithGuardians(tx, cipher, { ...found, now });
    return findPaper(tx, code, now);
  });
  if (!paper) return { verdict: 'unknown', kind };
  if (paper.state !== 'good') return { verdict: paper.state === 'expired' ? 'expired' : 'withdrawn', kind };
  const typed = document?.normalize('NFKC').replace(/\s/g, '').toUpperCase() ?? '';
  if (typed === '') return { verdict: 'document_missing', kind };
  // A found paper must not be a way to try out document numbers.
  const tries = `${venue.id} ${paper.citizenId}`;
  await limits.consume('paper', tries);
  const number = (await readCitizen(db, cipher, paper.citizenId))?.idNumber.toUpperCase();
  if (typed !== number?.slice(-DOCUMENT_LETTERS)) return { verdict: 'document_mismatch', kind };
  await limits.refund('paper', tries);
  return db.transaction((tx) => admit(tx, deps, { citizenId: paper.citizenId, kind, venue, now }));
}

async function trustedKeys(keys: HealthKeys, now: Date) {
  const trusted = await keys.trusted(now);
  const imported = await Promise.all(
    trusted.map(async ({ kid, x, y }) => {
      const key = await importPoint({ x: fromBase64Url(x), y: fromBase64Url(y) });
      return key ? [[kid, key] as const] : [];
    }),
  );
  return new Map(imported.flat());
}

/** Whether a venue sees this showing for the first time: one statement, so that two of its gates cannot both. */
async function firstShowing(
  tx: Queryable,
  { venueId, digest, now }: { venueId: string; digest: string; now: Date },
): Promise<boolean> {
  const rows = await tx.query(
    `insert into health_showings (venue_id, digest, expires_at) values ($1, $2, $3)
     on conflict do nothing returning 1`,
    [venueId, digest, new Date(now.getTime() + (PAST + FUTURE) * 1_000)],
  );
  return rows.length > 0;
}
