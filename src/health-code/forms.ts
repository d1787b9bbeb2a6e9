import { z } from 'zod';
import type { FormErrors } from '../platform/http/forms.ts';
import type { Declaration } from './declare.ts';
import { type Day, dateOf, dayOf, parseDay } from './engine/civil-day.ts';
import type { RuleSet } from './engine/rule-set.ts';
import { healthSettings } from './settings.ts';

const text = (max: number) => z.string().trim().max(max).default('');
const symptoms = Object.fromEntries(
  healthSettings.symptoms.map((name) => [`symptom_${name}`, z.literal('yes').optional()]),
);
const yesNo = z.enum(['yes', 'no'], 'healthCode.declare.errors.choose');

/** The posted fields of `/health/declare`. Dates are checked afterwards, since their range moves. */
export const DeclareForm = z.object({
  address: z
    .string('healthCode.declare.errors.address')
    .trim()
    .min(1, 'healthCode.declare.errors.address')
    .max(200),
  temperature: text(5),
  ...symptoms,
  high_risk: yesNo,
  high_risk_until: text(10),
  medium_risk: yesNo,
  medium_risk_until: text(10),
  arrived: yesNo,
  arrived_on: text(10),
  arrived_from: text(100),
  contact: yesNo,
  agree: z.literal('yes', 'healthCode.declare.errors.agree'),
  signature: z
    .string('healthCode.declare.errors.signatureMissing')
    .trim()
    .min(1, 'healthCode.declare.errors.signatureMissing')
    .max(100),
});

/** The posted fields of `/health/checkin`. */
export const CheckinForm = z.object({
  temperature: z
    .string('healthCode.checkin.tempMissing')
    .trim()
    .min(1, 'healthCode.checkin.tempMissing')
    .max(5),
  ...symptoms,
});

/**
 * `36.5`, `36,5` or `36.5℃` typed in full width too → degrees, or undefined for what is no temperature. Kept are tenths;
 * what is beyond is cut off, so that 37.29 is no fever of 37.3.
 */
export function parseTemperature(
  typed: string,
  { lowest, highest }: { lowest: number; highest: number },
): number | undefined {
  const plain = typed
    .normalize('NFKC')
    .replace(/[,。]/, '.')
    .replace(/\s*(°?C|℃|度)$/, '');
  const [, whole, tenth = '0'] = /^(\d{2})(?:\.(\d)\d?)?$/.exec(plain) ?? [];
  if (whole === undefined || Number(plain) < lowest || Number(plain) > highest) return undefined;
  return Number(`${whole}.${tenth}`);
}

export const symptomsOf = (fields: object): string[] =>
  healthSettings.symptoms.filter((name) => (fields as Record<string, unknown>)[`symptom_${name}`] === 'yes');

/**
 * The first and the last day that is asked about. A stay whose clock has run out is no news from a citizen either:
 * it would be red at once, and for nothing (docs/decisions/0022).
 */
export function exposureDays(now: Date, rules?: { red: { clockDays: number } }): { first: Day; today: Day } {
  const today = dayOf(now.getTime());
  const asked = Math.min(healthSettings.exposureDays, rules?.red.clockDays ?? healthSettings.exposureDays);
  return { first: today - asked + 1, today };
}

/**
 * Makes a declaration of the posted fields. What is wrong is added to `errors`; the result only counts while
 * that stays empty.
 */
export function readDeclaration(
  form: z.infer<typeof DeclareForm>,
  now: Date,
  rules: Pick<RuleSet, 'temperature' | 'red'>,
  errors: FormErrors,
): Declaration {
  const { temperature } = rules;
  const { first, today } = exposureDays(now, rules);
  const dayIf = (answer: 'yes' | 'no', field: 'high_risk_until' | 'medium_risk_until' | 'arrived_on') => {
    if (answer === 'no') return undefined;
    if (form[field] === '') errors[field] = 'healthCode.declare.errors.date';
    const day = parseDay(form[field]);
    if (day === undefined || day < first || day > today) {
      errors[field] ??= {
        key: 'healthCode.declare.errors.dateRange',
        params: { from: dateOf(first), to: dateOf(today) },
      };
    }
    return day;
  };
  const temp = form.temperature === '' ? undefined : parseTemperature(form.temperature, temperature);
  if (form.temperature !== '' && temp === undefined) errors.temperature = temperatureError(temperature);
  const declared: Declaration = {
    address: form.address,
    temp,
    symptoms: symptomsOf(form),
    highRiskUntil: dayIf(form.high_risk, 'high_risk_until'),
    mediumRiskUntil: dayIf(form.medium_risk, 'medium_risk_until'),
    arrivedOn: dayIf(form.arrived, 'arrived_on'),
    arrivedFrom: form.arrived === 'yes' ? form.arrived_from : undefined,
    contact: form.contact === 'yes',
    signature: form.signature,
  };
  if (declared.arrivedFrom === '') errors.arrived_from = 'healthCode.declare.errors.from';
  return declared;
}

export const temperatureError = ({ lowest, highest }: { lowest: number; highest: number }) => ({
  key: 'healthCode.declare.errors.temp',
  params: { lowest, highest },
});
