import Provider, { type Adapter, type AdapterFactory, type AdapterPayload, errors } from 'oidc-provider';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import { type EnqueueLogout, endSession, revokeGrants } from '../sessions/end.ts';
import { destroyGrant, findGrant, type GrantRecord, saveGrant } from '../sessions/grant-store.ts';
import { rememberOnce } from '../sessions/replay-store.ts';
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
  findToken,
  saveToken,
  type TokenRecord,
  type TokenTable,
} from '../sessions/token-store.ts';
import { requestMemory } from './request-memory.ts';
import { isRepetition } from './session-write.ts';

export interface AdapterDeps {
  db: Database;
  clock: Clock;
  catalogue: Catalogue;
  enqueueLogout: EnqueueLogout;
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

function sessionAdapter({ db, clock, enqueueLogout }: AdapterDeps): Adapter {
  return {
    ...none,
    async find(id) {
      const found = await findSession(db, id, clock());
      if (found === undefined) return undefined;
      const memory = requestMemory();
      memory.loadedSession = { id, record: structuredClone(found.record) };
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
      const replaces = replacedIdentifier(id);
      if (replaces === undefined && isRepetition(memory.loadedSession, id, record)) return;
      const userAgent = Provider.ctx?.get('user-agent');
      await saveSession(db, { id, replaces, record, userAgent, now: clock() });
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
      requestMemory().grants.delete(id);
      await saveGrant(db, id, payload as unknown as GrantRecord);
    },
    async destroy(id) {
      requestMemory().grants.delete(id);
      await destroyGrant(db, id);
    },
  };
}

function tokenAdapter({ db, clock, refreshReplayGrace }: AdapterDeps, table: TokenTable): Adapter {
  const used = () => new errors.InvalidGrant('it was already used');
  return {
    ...none,
    async find(value) {
      const now = clock();
      const found = await findToken(db, table, value, now);
      if (found === undefined) return undefined;
      const age = found.consumedAt && now.getTime() - found.consumedAt.getTime();
      if (table === 'refresh_tokens' && age !== undefined && age <= refreshReplayGrace) return undefined;
      const { token, grant, session } = found;
      const memory = requestMemory();
      if (token.grantId && grant) memory.grants.set(token.grantId, grant as unknown as GrantRecord);
      if (token.sessionUid && session) memory.sessionsByUid.set(token.sessionUid, session);
      return token as AdapterPayload;
    },
    upsert: (value, payload) => saveToken(db, table, value, payload as unknown as TokenRecord),
    async consume(value) {
      if (table === 'access_tokens') return unsupported();
      if (!(await consumeRecord(db, table, value, clock()))) throw used();
    },
    destroy: (value) => destroyToken(db, table, value),
    async revokeByGrantId(grantId) {
      // The library asks each model in turn; the first answer covers all of them.
      if (table === 'access_tokens') await revokeGrants(db, [grantId]);
    },
  };
}

function shortLivedAdapter({ db, clock }: AdapterDeps, table: ShortLivedTable): Adapter {
  return {
    ...none,
    find: async (id) => (await findShortLived(db, table, id)) as AdapterPayload | undefined,
    upsert: (id, payload) => saveShortLived(db, table, id, payload as unknown as ShortLivedRecord),
    async consume(id) {
      if (table !== 'pushed_authorization_requests') return unsupported();
      if (!(await consumeRecord(db, table, id, clock()))) {
        throw new errors.InvalidRequestUri('request_uri was already used');
      }
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
    find: async (id) => (await catalogue.client(id)) as AdapterPayload | undefined,
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
