import { z } from 'zod';
import raw from '../../../config/proofing-methods.json' with { type: 'json' };
import { EVIDENCE_SOURCES } from '../policy.ts';

/** The ways up that a citizen can choose, in the order in which the pages list them. */
export const PROOFING_METHODS = [
  'face',
  'alipay',
  'social_security_card',
  'bank_card',
  'live_face',
  'voiceprint',
  'video',
] as const;

export type ProofingMethodId = (typeof PROOFING_METHODS)[number];

const methodId = z.enum(PROOFING_METHODS);
const seconds = z.number().int().positive();

const method = z.strictObject({
  /** `redirect`: on the authority's own pages; `form`: asked from server to server with what was typed. */
  way: z.enum(['redirect', 'form']),
  /** The rung that its evidence is needed for, and the most that it raises credentials to. */
  gives: z.enum(['intermediate', 'advanced']),
  /** The person is there while it is decided: it gives a proof besides the evidence. */
  live: z.boolean(),
  /** A decision made without the person there still proves the session when it comes this soon. */
  decidedLaterWithinSeconds: seconds.optional(),
  /**
   * Whose answers are believed. Each compares with a reference of the authority's own: one enrolled in the
   * session that it raises would prove only that the same person is still there.
   */
  sources: z.array(z.enum(EVIDENCE_SOURCES)).min(1),
});

const schema = z.strictObject({
  methods: z.record(methodId, method),
  /** Never the only way (face rules of June 2025): after some failures the others lead. */
  faceMethods: z.array(methodId),
  leadWithOtherWaysAfterFailures: z.number().int().positive(),
  /** How far an authority's clock may lie from ours. */
  clockToleranceSeconds: z.number().int().nonnegative(),
});

export type ProofingPolicy = z.infer<typeof schema>;
export type MethodPolicy = z.infer<typeof method>;

/** The province's proofing methods, from `config/proofing-methods.json`. */
export const proofingPolicy: ProofingPolicy = schema.parse(raw);

export const isProofingMethod = (value: unknown): value is ProofingMethodId =>
  PROOFING_METHODS.some((id) => id === value);
