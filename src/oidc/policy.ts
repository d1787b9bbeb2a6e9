import { interactionPolicy } from 'oidc-provider';
import { type LevelCheckDeps, levelCheck } from './level-check.ts';

/** The library's prompts, with its checks on age and level replaced by one of ours. */
export function createPolicy(deps: LevelCheckDeps): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const login = policy.get('login');
  if (login === undefined) throw new Error('the library has no login prompt');
  for (const reason of ['max_age', 'essential_acrs', 'essential_acr']) login.checks.remove(reason);
  login.checks.add(levelCheck(deps));
  return policy;
}
