import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { type Clock, systemClock } from '../../src/platform/clock.ts';

/**
 * The smallest storage that passes the conformance suite: it shows that the suite is about the interface and
 * not about PostgreSQL, and is what the next one can start from. One process only.
 */
export function createMemoryAdapter(clock: Clock = systemClock): AdapterFactory {
  const models = new Map<string, Map<string, AdapterPayload>>();
  const kept = (model: string) => {
    const known = models.get(model) ?? new Map<string, AdapterPayload>();
    models.set(model, known);
    return known;
  };
  const seconds = () => clock().getTime() / 1000;

  return (model): Adapter => ({
    async find(id) {
      const found = kept(model).get(id);
      return found && { ...structuredClone(found), jti: id };
    },
    async findByUid(uid) {
      return [...kept(model).values()].find((payload) => payload.uid === uid);
    },
    async findByUserCode() {
      return undefined;
    },
    async upsert(id, payload, expiresIn) {
      const before = kept(model).get(id);
      if (model === 'ReplayDetection') {
        if (before?.exp !== undefined && before.exp > seconds()) throw new Error('seen before');
        kept(model).set(id, { exp: seconds() + (expiresIn ?? 0) });
        return;
      }
      const authorizations = { ...before?.authorizations, ...payload.authorizations };
      kept(model).set(id, { ...structuredClone(payload), ...(model === 'Session' && { authorizations }) });
    },
    async consume(id) {
      const found = kept(model).get(id);
      if (found === undefined || found.consumed) throw new Error('it was already used');
      found.consumed = Math.floor(seconds());
    },
    async destroy(id) {
      kept(model).delete(id);
    },
    async revokeByGrantId(grantId) {
      for (const [id, payload] of kept(model)) if (payload.grantId === grantId) kept(model).delete(id);
    },
  });
}
