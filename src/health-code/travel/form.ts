import { z } from 'zod';
import type { FormErrors } from '../../platform/http/forms.ts';
import { dateOf, parseDay } from '../engine/civil-day.ts';
import { exposureDays } from '../forms.ts';
import { type Trip, WAYS } from './trip.ts';

const needed = (key: string, max: number) =>
  z.string(`healthTravel.errors.${key}`).trim().min(1, `healthTravel.errors.${key}`).max(max);

/** The posted fields of `/health/travel`. */
export const TravelForm = z.object({
  province: needed('province', 2),
  city: needed('city', 50),
  from: needed('date', 10),
  to: needed('date', 10),
  way: z.enum(WAYS, 'healthTravel.errors.way'),
  number: z.string().trim().max(30).default(''),
  agree: z.literal('yes', 'healthTravel.errors.agree'),
  signature: needed('signatureMissing', 100),
});

/**
 * Makes a trip of the posted fields. What is wrong is added to `errors`; the result only counts while that stays
 * empty.
 *
 * @param provinces codes that may be chosen.
 */
export function readTrip(
  form: z.infer<typeof TravelForm>,
  now: Date,
  provinces: readonly string[],
  errors: FormErrors,
): Trip {
  const { first, today } = exposureDays(now);
  const day = (field: 'from' | 'to') => {
    const parsed = parseDay(form[field]);
    if (parsed === undefined || parsed < first || parsed > today) {
      errors[field] = {
        key: 'healthTravel.errors.dateRange',
        params: { from: dateOf(first), to: dateOf(today) },
      };
    }
    return parsed ?? today;
  };
  if (!provinces.includes(form.province)) errors.province = 'healthTravel.errors.province';
  const from = day('from');
  const to = day('to');
  if (to < from) errors.to ??= 'healthTravel.errors.order';
  return {
    province: form.province,
    city: form.city,
    from,
    to,
    way: form.way,
    number: form.number === '' ? undefined : form.number,
    signature: form.signature,
  };
}
