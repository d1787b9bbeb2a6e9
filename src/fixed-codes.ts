import { readFileSync } from 'node:fs';
import { z } from 'zod';

const people = z.array(z.looseObject({ phone: z.string(), fixed_code: z.string().optional() }));

/**
 * The codes that never change, by phone, of the sandbox's synthetic people. Only `SANDBOX=1` names a file.
 *
 * @param file `SANDBOX_PEOPLE_FILE`; without one nobody has a fixed code, and there is nothing to ask
 */
export function readFixedCodes(
  file: string | undefined,
): ((phone: string) => string | undefined) | undefined {
  if (file === undefined) return undefined;
  const codes = new Map(
    people.parse(JSON.parse(readFileSync(file, 'utf8'))).map(({ phone, fixed_code }) => [phone, fixed_code]),
  );
  return (phone) => codes.get(phone);
}
