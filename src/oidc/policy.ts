import { interactionPolicy } from 'oidc-provider';
import { type LevelCheckDeps, levelCheck } from './level-check.ts';
import { isAnonymous } from './subject-standing.ts';

const { Check, Prompt } = interactionPolicy;

/** The prompt that begins with the registration. */
export const CREATE = 'create';

/**
 * `prompt=create`: whoever is not logged in is to register first (OpenID Connect Initiating User Registration 1.0).
 * Whoever is has an account, and goes on with it.
 */
function createAccount(): interactionPolicy.Prompt {
  const prompt = new Prompt({ name: CREATE, requestable: true });
  // The library's own check asks even those who are logged in, until an interaction says that it is done.
  prompt.checks.clear();
  prompt.checks.add(
    new Check('no_account', 'nobody is logged in', 'interaction_required', ({ oidc }) => {
      const accountId = oidc.session?.accountId;
      const known = accountId !== undefined && !isAnonymous(accountId);
      return oidc.prompts.has(CREATE) && !known ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
    }),
  );
  return prompt;
}

/** The library's prompts and one to register, with its checks on age and level replaced by one of ours. */
export function createPolicy(deps: LevelCheckDeps): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const login = policy.get('login');
  if (login === undefined) throw new Error('the library has no login prompt');
  for (const reason of ['max_age', 'essential_acrs', 'essential_acr']) login.checks.remove(reason);
  login.checks.add(levelCheck(deps));
  policy.add(createAccount(), 0);
  return policy;
}
