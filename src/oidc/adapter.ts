import Provider, { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import { record } from '../audit/log.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/database.ts';
import type { Lifetimes } from '../platform/lifetimes.ts';
import { type EnqueueLogout, endSession, revokeGrants } from '../sessions/end.ts';
import { findGrant, type GrantRecord, saveGrant } from '../sessions/grant-store.ts';
import { rememberOnce } from '../sessions/replay-store.ts';
import { withdrawGrants } from '../sessions/revoke.ts';
import { findSession, findSessionByUid, type SessionRecord, saveSession } from '../sessions/session-store.ts';
import {
  destroyShortLived,
  findShortLived,
  type ShortLivedRecord,
  type ShortLivedTable,
  saveShortLived,
} from '../sessions/short-lived-store.ts';
import {
  consumeRecord,
  destroyToken,
  saveToken,
  type TokenRecord,
  type TokenTable,
} from '../sessions/token-store.ts';
import { issuedLevel } from './issued-level.ts';
import { forLibrary } from './own-metadata.ts';
import { requestMemory } from './request-memory.ts';
import { isRepetition } from './session-write.ts';
import { isAnonymous } from './subject-standing.ts';
import { lookUpToken } from './token-lookup.ts';

export interface AdapterDeps {
  db: Database;
  clock: Clock;
  catalogue: Catalogue;
  enqueueLogout: EnqueueLogout;
  lifetimes: Pick<Lifetimes, 'sessionAbsolute' | 'interaction'>;
  /** Within this time after its use a refresh token is refused without ending the family. Milliseconds. */
  refreshReplayGrace: number;
}

const unsupported = (): never => {
  throw new Error('this provider has no such record');
};

const none: Adapter = {
  upsert: unsupported,
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: unsupported,
  destroy: async () => {},
  revokeByGrantId: async () => {},
};

function sessionAdapter({ db, clock, enqueueLogout, lifetimes }: AdapterDeps): Adapter {
  return {
    ...none,
    async find(id) {
      const found = await findSession(db, id, clock());
      if (found === undefined) return undefined;
      const memory = requestMemory();
      memory.loadedSession = { id, record: structuredClone(found.record) };
      memory.sessionCookieDead = found.stale;
      memory.sessionsByUid.set(found.record.uid, found.record);
      return found.record as AdapterPayload;
    },
    async findByUid(uid) {
      const known = requestMemory().sessionsByUid.get(uid);
      return (known ?? (await findSessionByUid(db, uid, clock()))?.record) as AdapterPayload | undefined;
    },
    async upsert(id, payload) {
      const record = payload as unknown as SessionRecord;
      const memory = requestMemory();
      // A visitor leaves no session behind: for everything else it counts as none, and whoever logs in later
      // does not change accounts, which the library would answer with its logout page.
      if (isAnonymous(record.accountId)) {
        memory.sessionCookieDead = true;
        return;
      }
      const replaces = replacedIdentifier(id);
      if (replaces === undefined && isRepetition(memory.loadedSession, id, record)) return;
      const userAgent = Provider.ctx?.get('user-agent');
      const absoluteSeconds = lifetimes.sessionAbsolute;
      const opens = await saveSession(db, { id, replaces, record, absoluteSeconds, userAgent, now: clock() });
      memory.sessionCookieDead = !opens;
    },
    async destroy(id) {
      // `Session.save()` destroys the identifier it replaces; `saveSession` has its own way with that one.
      const session = Provider.ctx?.oidc?.session as { id: string; uid: string } | undefined;
      if (session === undefined || session.id !== id) return;
      await db.transaction((tx) =>
        endSession(tx, enqueueLogout, { uid: session.uid, reason: 'logout', now: clock() }),
      );
    },
  };
}

/** The identifier that the request came with, when the library is replacing it by `id`. */
function replacedIdentifier(id: string): string | undefined {
  const session = Provider.ctx?.oidc?.session as { id: string; oldId?: string } | undefined;
  return session?.id === id ? session.oldId : undefined;
}

function grantAdapter({ db, clock }: AdapterDeps): Adapter {
  return {
    ...none,
    async find(id) {
      const known = requestMemory().grants.get(id);
      return (known ?? (await findGrant(db, id, clock()))) as AdapterPayload | undefined;
    },
    async upsert(id, payload) {
      const memory = requestMemory();
      memory.grants.delete(id);
      const { grantIssued } = memory;
      delete memory.grantIssued;
      const grant = payload as unknown as GrantRecord;
      if (grantIssued === undefined) return saveGrant(db, id, grant);
      await db.transaction(async (tx) => {
        await saveGrant(tx, id, grant);
        await record(tx, grantIssued);
      });
    },
    async destroy(id) {
      requestMemory().grants.delete(id);
      await endGrant(db, id, clock());
    },
  };
}

/** Why the library ends a grant in this request; with its session it ends without a reason of its own. */
function revocationReason(): 'replay' | 'requested' | undefined {
  const route = Provider.ctx?.oidc.route;
  return route === 'token' ? 'replay' : route === 'revocation' ? 'requested' : undefined;
}

async function endGrant(db: Database, id: string, now: Date): Promise<void> {
  const reason = revocationReason();
  if (reason === undefined) await revokeGrants(db, [id]);
  else await db.transaction((tx) => withdrawGrants(tx, [id], { reason, now }));
}

/** The library copies into a refresh token what the ID token says, which may be less than was achieved. */
function withAcrAtIssue(record: TokenRecord): TokenRecord {
  const level = Provider.ctx && issuedLevel(Provider.ctx);
  return level === undefined ? record : { ...record, acr: level.acrAtIssue };
}

/** All ends that came of a code or refresh token that is presented again; the log says why. */
async function reportReplay(db: Queryable, token: TokenRecord, table: TokenTable, at: Date): Promise<void> {
  const { accountId, clientId } = token;
  if (isAnonymous(String(accountId))) return;
  const kind = table === 'refresh_tokens' ? 'refresh_token' : 'authorization_code';
  const who = { citizenId: String(accountId), clientId: String(clientId) };
  await record(db, { type: 'token.replayed', ...who, detail: { kind }, at });
}

function tokenAdapter({ db, clock, refreshReplayGrace }: AdapterDeps, table: TokenTable): Adapter {
  const used = () => new errors.InvalidGrant('it was already used');
  return {
    ...none,
    async find(value) {
      const now = clock();
      const found = await lookUpToken(db, value, now);
      if (found?.table !== table) return undefined;
      const age = found.consumedAt && now.getTime() - found.consumedAt.getTime();
      const { oidc } = Provider.ctx ?? {};
      const { grantId, clientId } = found.token;
      if (age !== undefined && oidc?.route === 'token' && oidc.client?.clientId !== clientId) {
        // Used by its client and now in other hands: no hiccup of the network. The library would only refuse it.
        await db.transaction(async (tx) => {
          await reportReplay(tx, found.token, table, now);
          if (grantId) await withdrawGrants(tx, [grantId], { reason: 'replay', now });
        });
        return undefined;
      }
      if (table === 'refresh_tokens' && age !== undefined && age <= refreshReplayGrace) return undefined;
      if (age !== undefined && oidc?.route === 'token') await reportReplay(db, found.token, table, now);
      return found.token as AdapterPayload;
    },
    upsert(value, payload) {
      const record = payload as unknown as TokenRecord;
      return saveToken(db, table, value, table === 'refresh_tokens' ? withAcrAtIssue(record) : record);
    },
    async consume(value) {
      if (table === 'access_tokens') return unsupported();
      requestMemory().tokens.delete(value);
      if (!(await consumeRecord(db, table, value, clock()))) throw used();
    },
    async destroy(value) {
      requestMemory().tokens.delete(value);
      await destroyToken(db, table, value);
    },
    async revokeByGrantId(grantId) {
      // The library asks each model in turn; the first answer covers all of them.
      if (table === 'access_tokens') await endGrant(db, grantId, clock());
    },
  };
}

const usedUp = () => new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');

/** Login and consent; each has its full time. */
const INTERACTIONS_A_REQUEST = 2;

function shortLivedAdapter({ db, clock, lifetimes }: AdapterDeps, table: ShortLivedTable): Adapter {
  const pushed = table === 'pushed_authorization_requests';
  return {
    ...none,
    async find(id) {
      const found = await findShortLived(db, table, id);
      // At the end of an interaction the library takes one that is gone for one that was never there.
      if (pushed && found === undefined && Provider.ctx?.oidc.route === 'resume') throw usedUp();
      return found as AdapterPayload | undefined;
    },
    async upsert(id, payload) {
      const record = payload as unknown as ShortLivedRecord;
      // Who began with a request_uri may take as long as interactions last: until then it must be known
      // whether it was used.
      const keepFor = pushed ? INTERACTIONS_A_REQUEST * lifetimes.interaction : 0;
      await saveShortLived(db, table, id, record, new Date((record.exp + keepFor) * 1000));
    },
    async consume(id) {
      if (table !== 'pushed_authorization_requests') return unsupported();
      if (!(await consumeRecord(db, table, id, clock()))) throw usedUp();
    },
    destroy: (id) => destroyShortLived(db, table, id),
  };
}

function replayAdapter({ db, clock }: AdapterDeps): Adapter {
  return {
    ...none,
    async upsert(id, _payload, expiresIn = 0) {
      const now = clock();
      const first = await rememberOnce(db, id, new Date(now.getTime() + expiresIn * 1000), now);
      if (!first) throw new errors.InvalidRequest('it was already used');
    },
  };
}

function clientAdapter({ catalogue }: AdapterDeps): Adapter {
  return {
    ...none,
    async find(id) {
      const metadata = await catalogue.client(id);
      return metadata && forLibrary(metadata);
    },
  };
}

/** The library's storage, mapped to the stores of `sessions/` and `departments/`. */
export function createAdapter(deps: AdapterDeps): AdapterFactory {
  const adapters: Record<string, Adapter> = {
    Session: sessionAdapter(deps),
    Grant: grantAdapter(deps),
    AuthorizationCode: tokenAdapter(deps, 'authorization_codes'),
    AccessToken: tokenAdapter(deps, 'access_tokens'),
    RefreshToken: tokenAdapter(deps, 'refresh_tokens'),
    Interaction: shortLivedAdapter(deps, 'interactions'),
    PushedAuthorizationRequest: shortLivedAdapter(deps, 'pushed_authorization_requests'),
    ReplayDetection: replayAdapter(deps),
    Client: clientAdapter(deps),
  };
  return (name) => adapters[name] ?? none;
}
