import { z } from 'zod';
import json from '../../config/health-code/settings.json' with { type: 'json' };

const days = z.int().positive().max(3_650);
const word = z.string().regex(/^[a-z][a-z_]*$/);

const schema = z.strictObject({
  /** The one purpose that the code, and every client that asks for it, may have. */
  purpose: word,
  /** Administrative division (GB/T 2260) of this installation. */
  region: z.string().regex(/^\d{6}$/),
  /** Version of the legal notice under which declarations are signed. */
  notice: z.string(),
  /** How long a claim may be relied on at most, in seconds. */
  claimSeconds: z.int().positive(),
  /** How many days, today among them, the declaration asks about stays and arrivals. */
  exposureDays: days,
  symptoms: z.array(word).min(1),
  sources: z.record(word, z.strictObject({ staleAfterHours: z.int().positive() })),
  officers: z
    .strictObject({
      /** How old a login may be, in minutes: before a form is shown, and when it is sent. */
      formMinutes: z.int().positive(),
      actMinutes: z.int().positive(),
      /** The kinds of organisation whose officers decide about people's health. */
      organisations: z.array(word).min(1),
    })
    .refine(({ formMinutes, actMinutes }) => formMinutes < actMinutes, {
      error: 'a form must leave time to fill it in',
    }),
  appeals: z.strictObject({
    /** When an appeal is to be decided, where the rule set does not say so (weak evidence). */
    dueHours: z.int().positive(),
    /** How long one officer may hold an appeal before others may take it. */
    claimHours: z.int().positive(),
    /** Open appeals of one citizen. */
    mostOpen: z.int().positive(),
  }),
  /** How far ahead an order may begin, and how long the code may be switched on, in days. */
  orders: z.strictObject({ aheadDays: days }),
  activations: z.strictObject({ longestDays: days }),
  /** From how many hours without an activation on a day is one on which check-ins could not be taken; how far back. */
  outages: z.strictObject({ hoursOff: z.int().positive().max(24), backDays: days }),
  keepDays: z
    .strictObject({
      declarations: days,
      checkins: days,
      evidence: days,
      decisions: days,
      appeals: days,
      orders: days,
    })
    .refine(({ checkins, evidence }) => checkins > evidence, {
      error: 'check-ins must outlive the evidence that they ended, or a finished run would be undone',
    }),
  exchange: z
    .strictObject({
      /** With other provinces: how long files, and what was said in them and taken back, are kept. */
      keepDays: days,
      /** How often the daily file is a full one, so that nobody lacks anything for longer. */
      fullEveryDays: days,
    })
    .refine(({ keepDays, fullEveryDays }) => fullEveryDays < keepDays, {
      error: 'a full file must be made before the one before it is deleted',
    }),
});

export type HealthSettings = Readonly<z.infer<typeof schema>>;

/** `config/health-code/settings.json`, checked. */
export const healthSettings: HealthSettings = schema.parse(json);
