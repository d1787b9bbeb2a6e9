import Provider from 'oidc-provider';
import type { LoadedStanding } from '../assurance/standing.ts';
import type { AuditEvent } from '../audit/events.ts';
import type { GrantRecord } from '../sessions/grant-store.ts';
import type { SessionRecord } from '../sessions/session-store.ts';
import type { FoundToken } from '../sessions/token-store.ts';

/**
 * What one HTTP request has already read, so that it is read once. Nothing in it outlives the request.
 */
export interface RequestMemory {
  grants: Map<string, GrantRecord>;
  sessionsByUid: Map<string, SessionRecord>;
  /** The session as it was read by its cookie, to skip writing it back unchanged. */
  loadedSession?: { id: string; record: SessionRecord };
  /** The identifier of this request's session opens nothing any more: the browser must not be given it. */
  sessionCookieDead?: boolean;
  /** By presented value. */
  tokens: Map<string, Promise<FoundToken | undefined>>;
  /** What the log says of the grant that is written next, in the transaction that writes it. */
  grantIssued?: AuditEvent<'grant.issued'>;
  /** What the ladder looks at, by account and session. */
  facts: Map<string, Promise<LoadedStanding>>;
}

const memories = new WeakMap<object, RequestMemory>();
const nothing = (): RequestMemory => ({
  grants: new Map(),
  sessionsByUid: new Map(),
  tokens: new Map(),
  facts: new Map(),
});

/** The memory of the request being served; a fresh one, forgotten at once, outside of any request. */
export function requestMemory(): RequestMemory {
  const ctx = Provider.ctx;
  return ctx === undefined ? nothing() : memoryOf(ctx.req);
}

/** The memory of a request, by the object that Node made for it. */
export function memoryOf(request: object): RequestMemory {
  let memory = memories.get(request);
  if (memory === undefined) {
    memory = nothing();
    memories.set(request, memory);
  }
  return memory;
}
