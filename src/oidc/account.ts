import {
  type AccessToken,
  type Account,
  type AuthorizationCode,
  errors,
  type FindAccount,
  type KoaContextWithOIDC,
  type RefreshToken,
} from 'oidc-provider';
import { sessionStanding } from '../assurance/ladder.ts';
import { acrOf, levelOf } from '../assurance/level.ts';
import { loadStanding } from '../assurance/standing.ts';
import { claimProofs } from '../assurance/store.ts';
import { record } from '../audit/log.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import {
  applyIssuedLevel,
  type IssuedLevelDeps,
  issuedLevel,
  type LevelClaims,
  presentLevel,
} from './issued-level.ts';
import { ownMetadata } from './own-metadata.ts';
import type { ReleaseClaims } from './release-claims.ts';
import { isAnonymous } from './subject-standing.ts';

export interface AccountDeps extends IssuedLevelDeps {
  db: Database;
  clock: Clock;
  releaseClaims: ReleaseClaims;
}

type Token = AuthorizationCode | RefreshToken | AccessToken;

const visitor = (accountId: string): Account => ({
  accountId,
  claims: () => ({ sub: accountId, acr: acrOf('anonymous'), achieved_acr: acrOf('anonymous') }),
});

/**
 * The library's way to a citizen. Called wherever a session or a token names one, which makes it the place
 * where proofs are claimed, levels recomputed, and a locked account stops existing.
 */
export function createFindAccount(deps: AccountDeps): FindAccount {
  return async (context, accountId, rawToken) => {
    const ctx = context as KoaContextWithOIDC;
    const token = rawToken as Token | undefined;
    if (isAnonymous(accountId)) {
      if (token && 'acr' in token) await applyIssuedLevel(deps, ctx, token);
      return visitor(accountId);
    }
    if (token === undefined && ctx.oidc.route === 'resume') await claimProofsOf(deps, ctx, accountId);
    const sessionUid = token?.sessionUid ?? ctx.oidc.session?.uid;
    const { accountState } = await deps.standings.facts({ accountId, sessionUid });
    if (accountState !== 'active') {
      // With a token the library answers that the account is gone; in a browser it would stumble.
      if (token !== undefined) return undefined;
      throw new errors.AccessDenied('the account is not active');
    }
    if (token?.kind === 'AuthorizationCode' || token?.kind === 'RefreshToken') {
      await applyIssuedLevel(deps, ctx, token);
    }
    return {
      accountId,
      async claims(use, scope, requested) {
        const levels = await levelClaims(deps, ctx, token);
        const base = { sub: accountId, ...levels };
        if (use === 'id_token' || token?.kind !== 'AccessToken') return base;
        const released = await deps.releaseClaims(ctx, {
          accountId,
          level: levelOf(levels.achieved_acr) ?? 'anonymous',
          scopes: scope.split(' '),
          claims: requested as Record<string, unknown>,
        });
        return { ...base, ...released };
      },
    };
  };
}

/** Proofs were written under the interaction; from here on they are the session's, and the log says what they gave. */
async function claimProofsOf(deps: AccountDeps, ctx: KoaContextWithOIDC, citizenId: string): Promise<void> {
  const { Interaction: interaction, Session: session } = ctx.oidc.entities;
  if (interaction === undefined || session === undefined) return;
  const [interactionUid, sessionUid] = [interaction.uid, session.uid];
  const at = deps.clock();
  const { reasons } = interaction.prompt;
  const steppedUp =
    interaction.session?.accountId === citizenId && reasons.every((reason) => reason === 'level');
  const proved = await deps.db.transaction(async (tx) => {
    const claimed = await claimProofs(tx, { interactionUid, sessionUid, citizenId });
    const standing = await loadStanding(tx, { citizenId, sessionUid });
    if (claimed === 0) return standing.proofs.length > 0;
    const { level } = sessionStanding({ ...standing, at });
    await record(tx, {
      type: steppedUp ? 'step_up.satisfied' : 'login.succeeded',
      citizenId,
      clientId: String(interaction.params.client_id),
      detail: { level },
      at,
    });
    return true;
  });
  if (proved) return;
  // Between the last page and here all logins of the account were ended, and what was proved for this one is gone.
  await session.destroy();
  throw new errors.AccessDenied('the login was ended before it was complete');
}

async function levelClaims(
  deps: AccountDeps,
  ctx: KoaContextWithOIDC,
  token: Token | undefined,
): Promise<Partial<LevelClaims>> {
  const atTokenEndpoint = issuedLevel(ctx)?.claims;
  if (atTokenEndpoint !== undefined) return atTokenEndpoint;
  if (token?.kind !== 'AccessToken') return {};
  const client = ctx.oidc.client;
  const floor = client === undefined ? 'basic' : ownMetadata(client).minLevel;
  const level = await presentLevel(deps, token as AccessToken, floor);
  if (level === undefined) throw new errors.InvalidToken('the level of assurance no longer suffices');
  return level;
}
