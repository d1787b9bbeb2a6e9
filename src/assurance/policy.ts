import { z } from 'zod';
import raw from '../../config/ladder.json' with { type: 'json' };

/** What an account can be vouched for by. */
export const EVIDENCE_METHODS = [
  'register',
  'carrier',
  'in_person',
  'face',
  'alipay',
  'social_security_card',
  'bank_card',
  'live_face',
  'voiceprint',
  'video',
] as const;

/** What can be proved at the moment a credential is consumed or a live check is passed. */
export const PROOF_METHODS = [
  'password',
  'sms',
  'totp',
  'passkey',
  'live_face',
  'voiceprint',
  'video',
] as const;

/** Whose word evidence is. */
export const EVIDENCE_SOURCES = [
  'police',
  'entry_exit',
  'carrier',
  'face',
  'alipay',
  'social_security',
  'bank',
  'live_face',
  'voiceprint',
  'video',
  'counter',
  'officer',
] as const;

export type EvidenceSource = (typeof EVIDENCE_SOURCES)[number];
export type EvidenceMethod = (typeof EVIDENCE_METHODS)[number];
export type ProofMethod = (typeof PROOF_METHODS)[number];

const evidenceMethod = z.enum(EVIDENCE_METHODS);
const proofMethod = z.enum(PROOF_METHODS);
const seconds = z.number().int().positive();

const step = z.strictObject({
  /** Each group needs one of its methods; the groups of all lower levels are needed too. */
  account: z.array(z.array(evidenceMethod).min(1)),
  session: z.strictObject({
    loginWithinSeconds: seconds.optional(),
    liveCheckWithinSeconds: seconds.optional(),
  }),
});

const ladderSchema = z.strictObject({
  levels: z.strictObject({ basic: step, intermediate: step, advanced: step }),
  /** Each is one way to log in: methods that must be proved together, in one interaction. */
  logins: z.array(z.array(proofMethod).min(1).max(2)),
  evidenceLifetimeSeconds: z.record(evidenceMethod, seconds),
  /** When the source is asked again whether what it confirmed still holds. */
  recheckAfterSeconds: z.partialRecord(evidenceMethod, seconds),
  /** When it is asked again if it could not be asked. */
  recheckRetrySeconds: seconds,
  amr: z.record(proofMethod, z.array(z.string())),
});

export type LadderPolicy = z.infer<typeof ladderSchema>;

/** The province's ladder, from `config/ladder.json`; a mistake in the file stops the start. */
export const ladderPolicy: LadderPolicy = ladderSchema.parse(raw);
