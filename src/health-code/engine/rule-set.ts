import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseInstant } from './instant.ts';

const code = z.string().regex(/^[RYGUD]\d{3}$/);
const word = z.string().regex(/^[a-z][a-z_]*$/);
const instant = z.string().transform((text, ctx) => {
  const at = parseInstant(text);
  if (at !== undefined) return at;
  ctx.addIssue({ code: 'custom', message: 'must be a time with its offset, like 2020-01-01T00:00:00+08:00' });
  return z.NEVER;
});

const evidenceType = z.strictObject({
  kind: z.enum(['case', 'red', 'yellow']),
  code,
  sources: z.array(word).min(1),
  /** The citizen said it: on that day they were not healthy. */
  unhealthyDay: z.boolean().default(false),
});

const schema = z
  .strictObject({
    version: z.string().regex(/^\d{4}-\d+$/),
    validFrom: instant,
    validTo: instant.nullable(),
    purpose: word,
    temperature: z.strictObject({ fever: z.number(), lowest: z.number(), highest: z.number() }),
    types: z.record(z.string().regex(/^[A-Z_]+$/), evidenceType),
    unhealthyCheckin: code,
    red: z.strictObject({
      clockDays: z.number().int().min(1),
      runDays: z.number().int().min(1),
      releaseSources: z.array(word).min(1),
      unproven: code,
    }),
    yellow: z.strictObject({ runDays: z.number().int().min(1) }),
    overrides: z.strictObject({
      codes: z.strictObject({ RED: code, YELLOW: code, GREEN: code }),
      orgTypes: z.array(word).min(1),
      longestDays: z.number().int().min(1),
      alarmAbove: z.number().int().min(1),
    }),
    weak: z.strictObject({ sources: z.array(word), appealHours: z.number().int().min(1) }),
    phoneSources: z.array(word),
    green: z.strictObject({ clean: code, yellowEnded: code, redEnded: code }),
    grey: z.strictObject({ level: code, declaration: code }),
    degraded: code,
  })
  .superRefine((rules, ctx) => {
    for (const [name, type] of Object.entries(rules.types)) {
      const weak = type.sources.find((source) => rules.weak.sources.includes(source));
      if (type.kind !== 'yellow' && weak) {
        ctx.addIssue({
          code: 'custom',
          path: ['types', name],
          message: `a weak source (${weak}) may not give red`,
        });
      }
      if (!type.code.startsWith(type.kind === 'yellow' ? 'Y' : 'R')) {
        ctx.addIssue({ code: 'custom', path: ['types', name, 'code'], message: 'code and colour disagree' });
      }
    }
  });

/** A rule set: the policy of the engine as data. Times in milliseconds. */
export type RuleSet = z.infer<typeof schema>;

/**
 * Reads a rule set and refuses one that could never be right (a weak source that gives red, a code of
 * another colour).
 *
 * @throws Error that names the file and the fields.
 */
export function parseRuleSet(json: unknown, name: string): RuleSet {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Error(`health-code rule set ${name}:\n${z.prettifyError(parsed.error)}`);
}

export const RULE_SETS_DIR = new URL('../../../config/health-code/', import.meta.url);

/** All rule sets of a directory (`rules-*.json`), oldest first. */
export function loadRuleSets(directory: URL = RULE_SETS_DIR): RuleSet[] {
  return readdirSync(directory)
    .filter((name) => /^rules-[\d-]+\.json$/.test(name))
    .map((name) => parseRuleSet(JSON.parse(readFileSync(new URL(name, directory), 'utf8')), name))
    .sort((a, b) => a.validFrom - b.validFrom);
}

/** The rule sets that are installed, oldest first. Which is in force says `health_rule_sets`. */
export const ruleSets: readonly RuleSet[] = loadRuleSets();

/** Whether a rule set may be applied at an instant by its own dates. */
export const isValidAt = ({ validFrom, validTo }: RuleSet, at: number): boolean =>
  validFrom <= at && (validTo === null || at < validTo);

/** The newest rule set that is valid at an instant, signed or not: for cases, where nothing was signed. */
export function ruleSetAt(sets: readonly RuleSet[], at: number): RuleSet | undefined {
  return sets.findLast((set) => isValidAt(set, at));
}
