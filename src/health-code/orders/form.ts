import { z } from 'zod';
import { documentTypeOf, parseDocument } from '../../citizens/identifiers.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { FormErrors } from '../../platform/http/forms.ts';
import { dayOf, days, parseDay, startOf } from '../engine/civil-day.ts';
import { subjectOf } from '../people.ts';
import { plainText } from '../plain-text.ts';
import { healthSettings } from '../settings.ts';
import type { NewOrder } from './order.ts';

const required = 'platform.form.required';

/** The posted fields of `/health/officer/orders/new`. Dates and people are checked afterwards. */
export const OrderForm = z.object({
  colour: z.enum(['GREEN', 'YELLOW', 'RED'], 'healthOffice.order.errors.colour'),
  evidence_id: plainText({ max: 100, missing: required }),
  reason: plainText({ min: 5, max: 500, missing: 'healthOffice.order.errors.reason' }),
  from: z.string(required).min(1, required).max(10),
  to: z.string(required).min(1, required).max(10),
  people: z.string(required).trim().min(1, required).max(60_000),
});

/** Lines that are named when they are wrong. */
const MOST_NAMED = 10;

/**
 * Makes an order of the posted fields. A day's order holds from its beginning, or from now, to the end of the last
 * day. What is wrong is added to `errors`; the result only counts while that stays empty.
 *
 * @param rules.longestDays how long an order may hold; longer ones are refused, not cut.
 */
export function readOrderForm(
  form: z.infer<typeof OrderForm>,
  {
    now,
    longestDays,
    cipher,
    extraProvinces = [],
  }: { now: Date; longestDays: number; cipher: Cipher; extraProvinces?: readonly string[] | undefined },
  errors: FormErrors,
): NewOrder | undefined {
  const today = dayOf(now.getTime());
  const first = parseDay(form.from);
  const last = parseDay(form.to);
  const ahead = healthSettings.orders.aheadDays;
  if (first === undefined || first < today || first > today + ahead) {
    errors.from = { key: 'healthOffice.order.errors.from', params: { days: ahead } };
  }
  const from = new Date(Math.max(startOf(first ?? today), now.getTime()));
  const to = new Date(startOf(last ?? today) + days(1));
  if (last === undefined || to <= from) errors.to = 'healthOffice.order.errors.to';
  else if (to.getTime() - from.getTime() > days(longestDays)) {
    errors.to = { key: 'healthOffice.order.errors.tooLong', params: { days: longestDays } };
  }
  const subjects = new Map<string, Buffer>();
  const wrong: number[] = [];
  form.people.split(/\r\n|\r|\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const type = documentTypeOf(line);
    const parsed = type && parseDocument(type, line, { extraProvinces: [...extraProvinces], now });
    if (!parsed?.ok) wrong.push(index + 1);
    else {
      const subject = subjectOf(cipher, parsed.value);
      subjects.set(subject.toString('latin1'), subject);
    }
  });
  if (wrong.length > 0) {
    const lines = wrong.slice(0, MOST_NAMED).join(', ') + (wrong.length > MOST_NAMED ? ' …' : '');
    errors.people = { key: 'healthOffice.order.errors.people', params: { lines } };
  }
  if (Object.keys(errors).length > 0) return undefined;
  const { colour, reason } = form;
  return { colour, evidenceId: form.evidence_id, reason, from, to, subjects: [...subjects.values()] };
}
