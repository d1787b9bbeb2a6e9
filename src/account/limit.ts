import type { Citizen } from '../citizens/store.ts';
import type { Limits } from '../platform/limits.ts';
import type { AccountDeps } from './deps.ts';

/**
 * Counts one attempt of a citizen who is logged in; none of the sandbox people whose codes are fixed.
 *
 * @throws Problem `too_many_attempts` 429.
 */
export async function countAttempt(
  { limits, fixedCode }: Pick<AccountDeps, 'limits' | 'fixedCode'>,
  { phone }: Pick<Citizen, 'phone'>,
  ...[name, key]: Parameters<Limits['consume']>
): Promise<void> {
  if (phone === undefined || fixedCode?.(phone) === undefined) await limits.consume(name, key);
}
