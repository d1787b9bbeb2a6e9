import { Problem } from '../platform/problem.ts';

/** The part of a citizen that decides whether the account may be used. */
export interface Barrable {
  state: 'active' | 'deceased';
  accountState?: 'active' | 'locked' | 'closed';
}

/** Why the account may not be used. Only for somebody whose credentials were right. */
export function barTo(citizen: Barrable | undefined): Problem | undefined {
  if (citizen === undefined || citizen.accountState === undefined || citizen.accountState === 'closed') {
    return new Problem('account_closed', 403);
  }
  if (citizen.state === 'deceased') return new Problem('account_deceased', 403);
  return citizen.accountState === 'locked' ? new Problem('account_locked', 403) : undefined;
}
