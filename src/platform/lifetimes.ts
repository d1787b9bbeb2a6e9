import { z } from 'zod';
import defaults from '../../config/lifetimes.json' with { type: 'json' };

const SIX_MONTHS = 180 * 86_400;
const seconds = (meaning: string) => z.int().positive().max(315_360_000).describe(meaning);

/**
 * How long things last, in seconds. Lifetimes of evidence and the windows of the levels belong to the ladder
 * (`config/ladder.json`).
 */
const schema = z.strictObject({
  sessionIdle: seconds('a session nobody uses'),
  sessionAbsolute: seconds('a session however much it is used'),
  accessToken: seconds('an opaque access token'),
  jwtAccessToken: seconds('an access token that others check without asking us').refine((s) => s <= 300, {
    error: 'at most 300: it cannot be revoked',
  }),
  refreshToken: seconds('a refresh token'),
  authorizationCode: seconds('an authorization code (RFC 6749 §4.1.2: at most 600)').refine((s) => s <= 600, {
    error: 'at most 600',
  }),
  idToken: seconds('an ID token'),
  interaction: seconds('an unfinished login, step-up or consent'),
  anonymous: seconds('an anonymous session'),
  smsCode: seconds('a code sent by text message'),
  smsResend: seconds('the wait before another code is sent'),
  draft: seconds('an unfinished registration'),
  passkeyChallenge: seconds('the question a passkey answers'),
  proofing: seconds('an unfinished proofing'),
  recentLogin: seconds('the age of a login that may manage credentials'),
  freshSim: seconds('the time after a change of SIM in which its codes prove little'),
  recoveryCap: seconds('the time an account is capped at basic after recovery'),
  lostPhoneWait: seconds('the wait, visible and cancellable, after a lost phone'),
  accountClosing: seconds('the wait, visible and cancellable, before an account is closed'),
  refreshReplayGrace: seconds('the time in which a replayed refresh token does not end its family'),
  outboxGiveUp: seconds('the time after which an undelivered message is given up'),
  outboxKeep: seconds('the time a message is kept, without its text, after it was sent or given up'),
  auditLog: seconds('an event of the audit log').refine((s) => s >= SIX_MONTHS, {
    error: 'at least six months (GB/T 22239)',
  }),
  accessLog: seconds('a row of the access log that citizens read').refine((s) => s >= SIX_MONTHS, {
    error: 'at least six months (GB/T 22239)',
  }),
  healthCode: seconds('a health code shown online').refine((s) => s <= 60, { error: 'at most 60' }),
  healthOffline: seconds('what lets a phone show its health code without network').refine(
    (s) => s <= 86_400,
    {
      error: 'at most a day',
    },
  ),
  healthOfflineRenew: seconds('the age at which a phone with network renews that'),
  healthStatusList: seconds('the time after which doors fetch the list of revoked codes again').refine(
    (s) => s <= 900,
    { error: 'at most 900' },
  ),
  healthPaper: seconds('a health code on paper'),
  healthScan: seconds(
    'the trace that a check at a door leaves, and the key that can tell whose it was',
  ).refine((s) => s <= 14 * 86_400, { error: 'at most 14 days' }),
  clientCache: seconds('how long a process may remember a relying party').refine((s) => s <= 5, {
    error: 'at most 5',
  }),
});

export type Lifetimes = Readonly<z.infer<typeof schema>>;
export type LifetimeName = keyof Lifetimes;

export const LIFETIME_NAMES = Object.keys(schema.shape) as LifetimeName[];

/** What the lifetime is of, for the documentation. */
export const meaningOf = (name: LifetimeName): string => schema.shape[name].description ?? name;

/** The lifetimes of `config/lifetimes.json`, with some replaced. @throws ZodError that names the lifetime. */
export function readLifetimes(overrides: Partial<Record<LifetimeName, number>> = {}): Lifetimes {
  return schema.parse({ ...defaults, ...overrides });
}

const current = readLifetimes();

/** The lifetimes that this process goes by. */
export const lifetimes: Lifetimes = current;

/** Makes the whole process go by other lifetimes. `main.ts` calls it once, with what the environment says. */
export function useLifetimes(others: Lifetimes): void {
  Object.assign(current, others);
}
