import { z } from 'zod';
import raw from '../../../config/proofing-methods.json' with { type: 'json' };
import { REDIRECT_CHECKS } from '../../authorities/redirect-check.ts';
import { DOCUMENT_TYPES, type DocumentType } from '../../citizens/identifiers.ts';
import { EVIDENCE_METHODS, EVIDENCE_SOURCES, type EvidenceMethod } from '../policy.ts';

/** The ways up that a citizen can choose, in the order in which the pages list them. */
export const PROOFING_METHODS = [
  'face',
  'alipay',
  'social_security_card',
  'bank_card',
  'live_face',
  'voiceprint',
  'video',
  /** A video officer who sees two documents, and */
  'officer',
  /** a counter: each vouches for a person whom the carrier does not confirm. */
  'counter',
] as const;

export type ProofingMethodId = (typeof PROOFING_METHODS)[number];

const methodId = z.enum(PROOFING_METHODS);
const seconds = z.number().int().positive();

const method = z.strictObject({
  /** `redirect`: on the authority's own pages; `form`: asked from server to server with what was typed. */
  way: z.enum(['redirect', 'form']),
  /** The rung that its evidence is needed for, and the most that it raises credentials to. */
  gives: z.enum(['basic', 'intermediate', 'advanced']),
  /** The check that the authority is asked for, where it is another one's. */
  asks: z.enum(REDIRECT_CHECKS).optional(),
  /** What its evidence is called, where that is not its own name. */
  evidence: z.enum(EVIDENCE_METHODS).optional(),
  /**
   * `person`: somebody or something saw the person, or an account that only they can open. `knowledge`: numbers
   * that others may know too; they never stand in for a code by themselves.
   */
  proves: z.enum(['person', 'knowledge']),
  /** Whose documents it can be compared with: a passport has no picture in the register of the police. */
  documents: z.array(z.enum(DOCUMENT_TYPES as [DocumentType, ...DocumentType[]])).min(1),
  /** The person is there while it is decided: it gives a proof besides the evidence. */
  live: z.boolean(),
  /** A decision made without the person there still proves the session when it comes this soon. */
  decidedLaterWithinSeconds: seconds.optional(),
  /**
   * An officer decides in their own time: for so long the authority is asked how it went, and the evidence counts
   * whenever that is.
   */
  awaitedForSeconds: seconds.optional(),
  /**
   * Whose answers are believed. Each compares with a reference of the authority's own: one enrolled in the
   * session that it raises would prove only that the same person is still there.
   */
  sources: z.array(z.enum(EVIDENCE_SOURCES)).min(1),
});

const list = z.array(methodId).min(1);

const schema = z
  .strictObject({
    methods: z.record(methodId, method),
    /** What is offered to somebody who is not logged in, in this order. */
    withoutLogin: z.strictObject({
      recovery: list,
      /** The carrier does not confirm the phone of somebody who registers. */
      vouchForPhone: list,
      /** The SIM of somebody who registers was changed so lately that its code proves little. */
      newSim: list,
    }),
    /** Never the only way (face rules of June 2025): after some failures the others lead. */
    faceMethods: z.array(methodId),
    leadWithOtherWaysAfterFailures: z.number().int().positive(),
    /** How far an authority's clock may lie from ours. */
    clockToleranceSeconds: z.number().int().nonnegative(),
    /** How long to wait before an authority is asked again about a check that is not decided. */
    askAgainSeconds: seconds,
  })
  .superRefine(({ methods, faceMethods }, context) => {
    for (const document of DOCUMENT_TYPES) {
      for (const gives of ['basic', 'intermediate', 'advanced'] as const) {
        const fitting = PROOFING_METHODS.filter(
          (id) => methods[id].gives === gives && methods[id].documents.includes(document),
        );
        if (fitting.some((id) => !faceMethods.includes(id))) continue;
        context.addIssue({ code: 'custom', message: `${document}: no way to ${gives} but by face` });
      }
    }
  });

export type ProofingPolicy = z.infer<typeof schema>;
export type MethodPolicy = z.infer<typeof method>;

/** The province's proofing methods, from `config/proofing-methods.json`. */
export const proofingPolicy: ProofingPolicy = schema.parse(raw);

/** What the evidence of a method is called. */
export const evidenceOf = (id: ProofingMethodId): EvidenceMethod =>
  proofingPolicy.methods[id].evidence ?? (id as EvidenceMethod);

export const isProofingMethod = (value: unknown): value is ProofingMethodId =>
  PROOFING_METHODS.some((id) => id === value);
