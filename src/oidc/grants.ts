import { isDeepStrictEqual } from 'node:util';
import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import { consentsGiven } from '../consents/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Queryable } from '../platform/database.ts';
import { claimsOf, isScope, type PersonalSet, wantedSets } from './claim-sets.ts';
import { ownResult } from './interaction-result.ts';
import { ownMetadata } from './own-metadata.ts';
import { requestMemory } from './request-memory.ts';
import { grantIdOf, sidOf } from './subject.ts';
import { isAnonymous } from './subject-standing.ts';

/** The part of a grant that says what was granted; times and identifiers left out. */
const content = (grant: Grant) => {
  const { openid, resources, rejected } = grant as Grant & Record<string, unknown>;
  return JSON.parse(JSON.stringify({ openid, resources, rejected })) as Content;
};

interface Content {
  openid?: { scope?: string; claims?: string[] };
  /** Scopes by resource. */
  resources?: Record<string, string>;
}

/** Everything that a grant allows, one word each. */
const allowed = ({ openid = {}, resources = {} }: Content): string[] => [
  ...(openid.scope ?? '').split(' ').map((scope) => `scope ${scope}`),
  ...(openid.claims ?? []).map((claim) => `claim ${claim}`),
  ...Object.entries(resources).flatMap(([api, scopes]) =>
    scopes.split(' ').map((scope) => `${api} ${scope}`),
  ),
];

/** Whether a grant allows what it did not allow before. */
export function isWider(before: Content | undefined, after: Content): boolean {
  const known = before && new Set(allowed(before));
  return allowed(after).some((one) => !known?.has(one));
}

/** A grant is written again when this share of its life is over, in percent. */
const RENEW_AFTER = 50;

/**
 * Builds the grant of this request: what the client is entitled to and the citizen agreed to, no more.
 * Without personal claims that takes no page, and on a repeated sign-on no statement but the one that reads
 * the grant.
 */
export function createLoadExistingGrant(db: Queryable, clock: Clock) {
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const { client, session, provider } = ctx.oidc;
    const accountId = ctx.oidc.account?.accountId;
    if (client === undefined || session === undefined || accountId === undefined) return undefined;
    const { clientId } = client;
    const own = ownMetadata(client);
    if (session.sidFor(clientId) === undefined) session.sidFor(clientId, sidOf(session.uid, clientId));

    const wanted = wantedSets({
      scopes: ctx.oidc.requestParamOIDCScopes,
      claims: ctx.oidc.requestParamClaims,
      entitled: own.claimsAllowed,
      consent: isAnonymous(accountId) ? 'implied' : own.consent,
    });
    const given = await consentsGiven(db, { citizenId: accountId, clientId, claimSets: wanted.sets });
    const answered = ownResult(ctx.oidc.result).consent !== undefined;

    const id = grantIdOf(session.uid, clientId);
    const existing = await provider.Grant.find(id);
    const before = existing && content(existing);
    const grant = new provider.Grant({ accountId, clientId });
    grant.jti = id;
    if (existing !== undefined) {
      grant.iat = existing.iat;
      Object.assign(grant, {
        resources: structuredClone((existing as Grant & Record<string, unknown>).resources),
      });
      const kept = existing.getOIDCScope().split(' ').filter(Boolean);
      if (kept.length > 0)
        grant.addOIDCScope(kept.filter((scope) => !wanted.sets.some((set) => set.id === scope)));
      const claims = existing.getOIDCClaims();
      if (claims.length > 0) grant.addOIDCClaims(claims);
    }

    const refused = wanted.sets.filter(({ id: set }) => !given.includes(set));
    if (!refused.some(({ id: set }) => set === 'openid')) grant.addOIDCScope('openid');
    for (const { id: set } of wanted.sets) {
      const claims = set === 'openid' ? [] : claimsOf(set as PersonalSet);
      if (given.includes(set)) {
        if (set !== 'openid' && isScope(set)) grant.addOIDCScope(set);
        if (claims.length > 0) grant.addOIDCClaims(claims);
      } else if (answered && set !== 'openid') {
        if (isScope(set)) grant.rejectOIDCScope(set);
        grant.rejectOIDCClaims(claims.filter((claim) => !grant.getOIDCClaims().includes(claim)));
      }
    }
    if (wanted.refusedScopes.length > 0) grant.rejectOIDCScope(wanted.refusedScopes);
    if (wanted.refusedClaims.length > 0) grant.rejectOIDCClaims(wanted.refusedClaims);
    grant.addOIDCClaims(claimsOf('openid'));
    for (const [indicator, server] of Object.entries(ctx.oidc.resourceServers ?? {})) {
      const scopes = [...ctx.oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
      if (scopes.length > 0) grant.addResourceScope(indicator, scopes.join(' '));
    }

    const renew = existing === undefined || existing.ttlPercentagePassed() >= RENEW_AFTER;
    if (renew) delete (grant as Partial<Grant>).iat;
    if (renew || !isDeepStrictEqual(before, content(grant))) {
      if (!renew) grant.exp = existing.exp;
      if (!isAnonymous(accountId) && isWider(before, content(grant))) {
        const detail = { consent: own.consent, ...(existing && { widened: true }) };
        requestMemory().grantIssued = {
          type: 'grant.issued',
          citizenId: accountId,
          clientId,
          detail,
          at: clock(),
        };
      }
      await grant.save();
    }
    return grant;
  };
}
