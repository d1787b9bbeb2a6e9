import { z } from 'zod';
import { dayOf, formatInstant, parseDay } from './civil-day.ts';
import { evaluate } from './evaluate.ts';
import { parseInstant } from './instant.ts';
import type { RuleSet } from './rule-set.ts';
import { ruleSetAt } from './rule-set.ts';

/*
 * Cases as other programs write them: JSON with times as text. `health:evaluate` reads them, and every rule
 * set has its own in config/health-code/.
 */

const instant = z.string().transform((text, ctx) => {
  const at = parseInstant(text);
  if (at !== undefined) return at;
  ctx.addIssue({
    code: 'custom',
    message: 'must be a time that exists, with its offset: 2020-04-15T08:00:00+08:00',
  });
  return z.NEVER;
});
/** Absent and `null` mean the same. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);
const list = <T extends z.ZodType>(type: T) =>
  z
    .array(type)
    .nullish()
    .transform((value) => value ?? []);
const day = z.string().transform((text, ctx) => {
  const at = parseInstant(text);
  const found = at === undefined ? parseDay(text) : dayOf(at);
  if (found !== undefined) return found;
  ctx.addIssue({ code: 'custom', message: 'must be a day that exists: 2020-04-15' });
  return z.NEVER;
});

const evidence = z.object({
  id: z.string(),
  type: z.string(),
  source: z.string(),
  at: instant,
  purpose: optional(z.string()),
  status: optional(z.enum(['active', 'revoked'])),
  dischargedAt: optional(instant),
  phoneOwnerVerified: optional(z.boolean()),
  appealAt: optional(instant),
  appealDecision: optional(z.enum(['upheld', 'rejected'])),
  supersededBy: optional(instant),
});

const checkin = z
  .object({
    at: instant,
    temp: optional(z.number().min(30, 'is no body temperature').max(45, 'is no body temperature')),
    symptoms: list(z.string()),
    forDate: optional(day),
  })
  .transform(({ forDate, ...rest }) => ({ ...rest, forDay: forDate }));

const override = z.object({
  id: z.string(),
  colour: z.enum(['GREEN', 'YELLOW', 'RED']),
  purpose: optional(z.string()),
  approver1: optional(z.string()),
  approver2: optional(z.string()),
  orgType: optional(z.string()),
  evidenceId: optional(z.string()),
  from: optional(instant),
  to: optional(instant),
});

const healthCase = z.object({
  no: z.union([z.number(), z.string()]),
  asOf: instant,
  input: z.object({
    level: z.enum(['anonymous', 'basic', 'intermediate', 'advanced']),
    declaration: optional(z.boolean()).transform((made) => made ?? false),
    evidence: list(evidence),
    checkins: list(checkin),
    release: list(z.object({ at: instant, source: z.string() })),
    overrides: list(override),
    staleSources: list(z.string()),
    outageDays: list(day),
  }),
});
export type HealthCase = z.infer<typeof healthCase>;

/** Something is wrong with the cases themselves; the message says where and what. */
export class BadCase extends Error {
  override readonly name = 'BadCase';
}

/**
 * Reads a list of cases.
 *
 * @throws BadCase that names the case by its number and each field.
 */
export function parseCases(text: string): HealthCase[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new BadCase(`The input is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (!Array.isArray(json)) throw new BadCase('The input must be a list of cases: [{"no", "asOf", "input"}]');
  return json.map((each: unknown, index) => {
    const parsed = healthCase.safeParse(each);
    if (parsed.success) return parsed.data;
    const no = z.object({ no: z.union([z.number(), z.string()]) }).safeParse(each);
    const where = no.success ? `Case no. ${no.data.no}` : `The case at place ${index + 1}`;
    throw new BadCase(`${where} cannot be read:\n${z.prettifyError(parsed.error)}`);
  });
}

/** What `health:evaluate` prints for one case. */
export interface CaseResult {
  no: number | string;
  colour: string;
  reasons: string[];
  earliestExit: string | null;
  trace: unknown[];
}

/**
 * Evaluates one case under the rule set that was valid at its `asOf`.
 *
 * @throws BadCase when none was.
 */
export function evaluateCase({ no, asOf, input }: HealthCase, sets: readonly RuleSet[]): CaseResult {
  const rules = ruleSetAt(sets, asOf);
  if (!rules) throw new BadCase(`Case no. ${no}: no rule set is valid at ${formatInstant(asOf)}`);
  const { colour, reasons, earliestExit, trace } = evaluate(input, asOf, rules);
  return {
    no,
    colour,
    reasons,
    earliestExit: earliestExit === undefined ? null : formatInstant(earliestExit),
    trace,
  };
}
