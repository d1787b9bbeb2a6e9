import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ORG_TYPES, ROLES } from '../../src/health-code/officers/roles.ts';

/** What an outside authority does when it is asked about this person; the default is always that all is well. */
export const outcomesSchema = z.strictObject({
  /** Police or entry-exit, whichever keeps the document. */
  register: z.enum(['mismatch', 'unknown', 'deceased', 'down', 'slow']).optional(),
  /** The name that the register has now; the old one no longer matches. */
  renamed_to: z.string().min(1).max(100).optional(),
  /** The corrected number that the register has now. */
  renumbered_to: z
    .string()
    .regex(/^[0-9A-Z]{5,18}$/)
    .optional(),
  carrier: z.enum(['other_owner', 'unknown', 'down', 'slow']).optional(),
  /** What the carrier says of a declared trip; yes unless told otherwise. */
  stay: z.enum(['no', 'unknown', 'down', 'slow']).optional(),
  /** Hours before the start of the simulator at which the SIM was changed. */
  sim_changed_hours_ago: z.number().positive().optional(),
  social_security_card: z.enum(['mismatch', 'blocked', 'down', 'slow']).optional(),
  bank_card: z.enum(['mismatch', 'blocked', 'down', 'slow']).optional(),
  face: z.enum(['failed', 'fail_once', 'cancelled', 'pending', 'down', 'slow']).optional(),
  /** `mismatch`: the check passes, but for an account that is somebody else's. */
  alipay: z.enum(['failed', 'mismatch', 'cancelled', 'down', 'slow']).optional(),
  live_face: z.enum(['failed', 'fail_once', 'cancelled', 'down', 'slow']).optional(),
  voiceprint: z.enum(['failed', 'fail_once', 'cancelled', 'down', 'slow']).optional(),
  /** `refused` by the officer; `later`: the officer decides after the call. */
  video: z.enum(['refused', 'later', 'cancelled', 'down', 'slow']).optional(),
  /** A service hall: the person takes a number there and the officer decides at the desk. */
  counter: z.enum(['refused', 'down', 'slow']).optional(),
  sms: z.enum(['down', 'slow']).optional(),
});
export type Outcomes = z.infer<typeof outcomesSchema>;

export const personSchema = z.strictObject({
  name: z.string().min(1).max(100),
  document_type: z.enum(['resident_id', 'residence_permit', 'foreign_permanent_resident', 'passport']),
  id_number: z.string().regex(/^[0-9A-Z]{5,18}$/),
  birth_date: z.iso.date(),
  phone: z.string().regex(/^1[3-9]\d{9}$/),
  /** Further numbers that are this person's own at the carrier. */
  other_phones: z.array(z.string().regex(/^1[3-9]\d{9}$/)).optional(),
  username: z.string().regex(/^[a-z][a-z0-9_]{3,31}$/),
  /** Only registered people have one. */
  password: z.string().min(10).optional(),
  /** The level of the account; `null` when there is none yet. */
  level: z.enum(['anonymous', 'basic', 'intermediate', 'advanced']).nullable(),
  cards: z.strictObject({
    social_security_card: z.string().optional(),
    bank_card: z
      .string()
      .regex(/^\d{13,19}$/)
      .optional(),
  }),
  outcomes: outcomesSchema,
  /** User names of the guardians that the household register knows. */
  ward_of: z.array(z.string()).optional(),
  /** Every SMS code for this person is this one, and limits do not count. */
  fixed_code: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
  /** What this person does about the health code, and for whom. */
  officer: z
    .strictObject({
      organisation: z.string().min(1).max(100),
      type: z.enum(ORG_TYPES),
      roles: z.array(z.enum(ROLES)).min(1),
    })
    .optional(),
  /** What this person is there to show. */
  shows: z.strictObject({ zh: z.string(), en: z.string() }),
});
export type Person = z.infer<typeof personSchema>;

/** The people file that ships with the sandbox. */
export const PEOPLE_FILE = fileURLToPath(new URL('../people.json', import.meta.url));

/**
 * Reads and checks a people file.
 * @throws Error that names the person and the field, or the value that two people share.
 */
export function loadPeople(file: string = PEOPLE_FILE): Person[] {
  return checkPeople(JSON.parse(readFileSync(file, 'utf8')), file);
}

/** The same for data already in memory. */
export function checkPeople(data: unknown, where = 'people'): Person[] {
  const parsed = z.array(personSchema).safeParse(data);
  if (!parsed.success) throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
  const people = parsed.data;
  const seen = new Map<string, string>();
  for (const person of people) {
    const { renumbered_to: corrected } = person.outcomes;
    const phones = [person.phone, ...(person.other_phones ?? [])];
    for (const key of [person.id_number, ...(corrected ? [corrected] : []), person.username, ...phones]) {
      const other = seen.get(key);
      if (other) throw new Error(`${where}: ${other} and ${person.username} share ${key}`);
      seen.set(key, person.username);
    }
    if ((person.level === null) !== (person.password === undefined)) {
      throw new Error(`${where}: ${person.username} needs a level and a password, or neither`);
    }
  }
  return people;
}
