import { record } from '../../audit/log.ts';
import { recordGuardianship } from '../../citizens/guardianship.ts';
import { parseMobile } from '../../citizens/identifiers.ts';
import { codeRules, currentCode, type Delivery, redeemCode, sendCode } from '../../citizens/one-time-code.ts';
import { createCitizen, findByIdentifier } from '../../citizens/store.ts';
import { newId } from '../../platform/id.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { post } from '../../platform/outbox.ts';
import { noteGuardian } from './child.ts';
import type { FamilyDeps, Refusals } from './deps.ts';
import { asked, confirmPerson, type Named } from './person.ts';

/*
 * An elder's own consent: a code sent to a phone that the carrier confirms as the elder's own, with a text that says
 * what telling it means. So it works with or without an account, and nobody else can give it.
 */

/** What was typed, kept sealed until the code comes back. */
export interface ElderRequest {
  id: string;
  elder: Named;
  phone: string;
}

const PURPOSE = 'guardianship_request';

/**
 * Checks an elder and the phone, and keeps both until the code comes back.
 *
 * @returns the id of the request, or what is wrong, by field.
 */
export async function requestElder(
  deps: FamilyDeps,
  { guardianId, elder, phone, now }: { guardianId: string; elder: Named; phone: string; now: Date },
): Promise<{ id: string } | { refused: Refusals }> {
  const { db, cipher, carrier } = deps;
  const mobile = parseMobile(phone);
  if (!mobile.ok) return { refused: { phone: `frontDoor.entry.phone.${mobile.reason}` } };
  const refused = await confirmPerson(deps, elder);
  if (refused) return { refused };
  const { name, idNumber } = elder;
  const owner = await asked(() => carrier.owner({ phone: mobile.value, name, idNumber }));
  if (owner === undefined) return { refused: { '': 'healthFamily.errors.unavailable' } };
  if (owner.outcome !== 'match') return { refused: { phone: 'healthFamily.errors.otherPhone' } };
  const id = newId();
  const body = cipher.sealShared(PURPOSE, id, JSON.stringify({ elder, phone: mobile.value }));
  const expiresAt = new Date(now.getTime() + lifetimes.draft * 1_000);
  await db.query(
    `insert into guardianship_requests (id, guardian_id, body, created_at, expires_at) values ($1, $2, $3, $4, $5)`,
    [id, guardianId, body, now, expiresAt],
  );
  return { id };
}

/** A request of this citizen's that waits for its code. */
export async function findElderRequest(
  { db, cipher }: Pick<FamilyDeps, 'db' | 'cipher'>,
  { guardianId, id, now }: { guardianId: string; id: string; now: Date },
): Promise<ElderRequest | undefined> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return undefined;
  const [row] = await db.query<{ body: Buffer }>(
    'select body from guardianship_requests where id = $1 and guardian_id = $2 and expires_at > $3',
    [id, guardianId, now],
  );
  if (!row) return undefined;
  return { id, ...(JSON.parse(cipher.unsealShared(PURPOSE, id, row.body)) as Omit<ElderRequest, 'id'>) };
}

const placeOf = ({ id, phone }: ElderRequest) =>
  ({ purpose: 'guardianship', context: `guardianship ${id}`, phone }) as const;

export interface ConsentCode {
  lastFour: string;
  minutes: number;
  live: boolean;
  /** What became of its message. */
  delivery?: Delivery | undefined;
  /** For how many minutes it still is good. */
  left: number;
  /** Seconds until another can be sent. */
  resendAfter: number;
  limited: boolean;
}

/**
 * Sees to the code on the elder's phone.
 *
 * @param how `open` sends one unless one is good already, `again` another, `stay` none.
 * @param message the text of the message, which names who asks.
 */
export async function seeToConsent(
  { db, cipher, fixedCode }: FamilyDeps,
  request: ElderRequest,
  { how, message, now }: { how: 'open' | 'again' | 'stay'; message: string; now: Date },
): Promise<ConsentCode> {
  const place = placeOf(request);
  const rules = codeRules();
  const base = { lastFour: request.phone.slice(-4), minutes: Math.round(rules.lifetime / 60) };
  const wait = (until: Date) => Math.max(0, Math.ceil((until.getTime() - now.getTime()) / 1_000));
  const current = await currentCode(db, cipher, { ...place, now });
  if (how === 'stay' || (how === 'open' && current)) {
    const lifted = fixedCode?.(request.phone) !== undefined;
    const resendAt = current && new Date(current.sentAt.getTime() + rules.resend * 1_000);
    return {
      ...base,
      live: current !== undefined,
      delivery: current?.delivery,
      left: current ? Math.ceil(wait(current.expiresAt) / 60) : 0,
      resendAfter: resendAt && !lifted ? wait(resendAt) : 0,
      limited: false,
    };
  }
  const { reason, resendAt, expiresAt, delivery } = await db.transaction((tx) =>
    sendCode({ tx, cipher, fixedCode }, { ...place, message, now }),
  );
  const limited = reason === 'daily_limit';
  const left = expiresAt ? Math.ceil(wait(expiresAt) / 60) : 0;
  const resendAfter = limited ? 0 : wait(resendAt);
  return { ...base, live: expiresAt !== undefined, delivery, left, resendAfter, limited };
}

/**
 * Takes the elder's code: from then on the citizen may act for them. Both are told.
 *
 * @param told the message to the elder that says so.
 * @returns the key of what is wrong with the code, or nothing when it is done.
 */
export async function takeConsent(
  { db, cipher }: FamilyDeps,
  {
    guardianId,
    request,
    code,
    told,
    now,
  }: { guardianId: string; request: ElderRequest; code: string; told: string; now: Date },
): Promise<string | undefined> {
  if (code.trim() === '') return 'frontDoor.code.missing';
  const { elder, phone, id } = request;
  return db.transaction(async (tx) => {
    const outcome = await redeemCode({ tx, cipher }, { ...placeOf(request), code, now });
    if (outcome !== 'ok') return `frontDoor.code.${outcome}`;
    const known = await findByIdentifier(tx, cipher, elder.idNumber);
    const hasAccount = known && known.state !== 'none' && known.state !== 'closed';
    const dependantId = hasAccount ? known.citizenId : await createCitizen(tx, cipher, { ...elder, now });
    if (!known) {
      await record(tx, { type: 'dependant.recorded', citizenId: dependantId, actor: 'system', at: now });
    }
    await recordGuardianship(tx, { guardianId, dependantId, kind: 'elder', reference: `sms ${id}`, now });
    await noteGuardian(tx, { guardianId, dependantId, kind: 'elder', now });
    await tx.query('delete from guardianship_requests where id = $1', [id]);
    await post(tx, cipher, { channel: 'sms', to: phone, text: told, kind: 'guardianship', now });
    return undefined;
  });
}
