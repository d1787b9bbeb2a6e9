import type { ExecutionContext, TestFn } from 'ava';
import type { AdapterFactory, AdapterPayload } from 'oidc-provider';
import type { Clock } from '../../src/platform/clock.ts';

const NOW = Math.floor(Date.now() / 1000);
const payload = (over: Record<string, unknown> = {}): AdapterPayload =>
  ({ iat: NOW, exp: NOW + 600, ...over }) as AdapterPayload;

const ok = (settled: PromiseSettledResult<unknown>[]) =>
  settled.filter(({ status }) => status === 'fulfilled').length;
const AT_ONCE = 20;

/** The models of the library that this provider stores. `Client` is the catalogue's and not a storage's. */
export const MODELS = [
  'AuthorizationCode',
  'AccessToken',
  'RefreshToken',
  'PushedAuthorizationRequest',
  'Interaction',
  'ReplayDetection',
  'Session',
  'Grant',
] as const;
export type Model = (typeof MODELS)[number];

/**
 * What any storage for the provider must do. A new storage is proved by running this, not argued:
 *
 *     adapterConformance(test, 'Redis', async (t) => createRedisAdapter(await freshRedis(t)), ['Interaction']);
 *
 * The interface is `AdapterFactory` of oidc-provider: a function from a model's name to `{find, findByUid, upsert,
 * consume, destroy, revokeByGrantId}`. Beyond what the library says of it, ours demands:
 *
 * - `upsert(id, payload, expiresIn)` keeps the payload as it is; of what a client presents (`id`) no copy that
 *   could be presented again.
 * - `consume(id)` is decided by the storage: of any number of callers one resolves, all others reject, also for
 *   what was never there. A consumed record is still found, with `consumed` (seconds), until it expires:
 *   the library recognises a replay by it.
 * - `ReplayDetection.upsert` rejects what it holds and has not expired.
 * - `revokeByGrantId` of `AccessToken` may end the codes and tokens of all models; called for each model it must.
 * - `Session.upsert` merges `authorizations`: two portals that sign on at once are both there afterwards.
 * - Unknown identifiers are `undefined`, and destroying them is no error.
 *
 * What needs a whole provider (logout and step-up while requests are in flight) is in `races.test.ts`.
 *
 * @param open gives an empty storage for one test, with the clock to go by when one is given
 * @param models those that the storage is for; short-lived ones alone may live elsewhere than the rest
 */
export function adapterConformance(
  test: TestFn,
  name: string,
  open: (t: ExecutionContext<unknown>, clock?: Clock) => Promise<AdapterFactory>,
  models: readonly Model[] = MODELS,
): void {
  const these = (...wanted: Model[]): Model[] => wanted.filter((model) => models.includes(model));
  const all = (...wanted: Model[]): boolean => these(...wanted).length === wanted.length;

  for (const model of these(
    'AuthorizationCode',
    'AccessToken',
    'RefreshToken',
    'PushedAuthorizationRequest',
    'Interaction',
  )) {
    test(`${name}: a stored ${model} is found as it was, and gone when destroyed`, async (t) => {
      const adapter = (await open(t))(model);
      const stored = payload({
        kind: model,
        grantId: 'g',
        params: { scope: 'openid' },
        nested: { list: [1, 'a'] },
      });
      await adapter.upsert('value', stored, 600);
      t.like((await adapter.find('value')) as object, { ...stored, jti: 'value' });
      t.is(await adapter.find('other'), undefined);
      await adapter.upsert('value', { ...stored, changed: true } as AdapterPayload, 600);
      t.like((await adapter.find('value')) as object, { changed: true }, 'the latest one');
      await adapter.destroy('value');
      t.is(await adapter.find('value'), undefined);
      await t.notThrowsAsync(async () => adapter.destroy('value'));
    });
  }

  for (const model of these('AuthorizationCode', 'RefreshToken', 'PushedAuthorizationRequest')) {
    test(`${name}: of ${AT_ONCE} that use one ${model} at once, one succeeds`, async (t) => {
      const adapter = (await open(t))(model);
      await adapter.upsert('value', payload({ kind: model }), 600);
      const settled = await Promise.allSettled(
        Array.from({ length: AT_ONCE }, () => adapter.consume('value')),
      );
      t.is(ok(settled), 1);
    });
  }

  for (const model of these('AuthorizationCode', 'RefreshToken', 'PushedAuthorizationRequest')) {
    test(`${name}: a consumed ${model} is still found, as consumed; what never was cannot be consumed`, async (t) => {
      let now = new Date();
      const adapter = (await open(t, () => now))(model);
      await adapter.upsert('value', payload({ kind: model }), 600);
      await adapter.consume('value');
      // A refresh token hides for a moment, so that a hiccup of the client's is not taken for a theft.
      now = new Date(now.getTime() + 60_000);
      t.truthy(((await adapter.find('value')) as AdapterPayload).consumed);
      await t.throwsAsync(async () => adapter.consume('other'));
    });
  }

  if (all('ReplayDetection')) {
    test(`${name}: of ${AT_ONCE} that remember one one-time value at once, one succeeds`, async (t) => {
      let now = new Date();
      const adapter = (await open(t, () => now))('ReplayDetection');
      const remember = () => adapter.upsert('jti', payload({ kind: 'ReplayDetection' }), 60);
      t.is(ok(await Promise.allSettled(Array.from({ length: AT_ONCE }, remember))), 1);
      now = new Date(now.getTime() + 59_000);
      await t.throwsAsync(async () => remember());
      now = new Date(now.getTime() + 2_000);
      t.is(
        ok(await Promise.allSettled(Array.from({ length: AT_ONCE }, remember))),
        1,
        'again when it has expired',
      );
    });
  }

  if (all('AuthorizationCode', 'AccessToken', 'RefreshToken')) {
    test(`${name}: revoking a grant takes its code and tokens, and nobody else's`, async (t) => {
      const factory = await open(t);
      const kinds = ['AuthorizationCode', 'AccessToken', 'RefreshToken'];
      for (const model of kinds) {
        for (const grantId of ['mine', 'theirs']) {
          await factory(model).upsert(`${model}-${grantId}`, payload({ kind: model, grantId }), 600);
        }
      }
      for (const model of kinds) await factory(model).revokeByGrantId('mine');
      for (const model of kinds) {
        t.is(await factory(model).find(`${model}-mine`), undefined);
        t.truthy(await factory(model).find(`${model}-theirs`));
      }
    });

    test(`${name}: a value of one model is none of another`, async (t) => {
      const factory = await open(t);
      await factory('RefreshToken').upsert('value', payload({ kind: 'RefreshToken' }), 600);
      t.is(await factory('AccessToken').find('value'), undefined);
      t.is(await factory('AuthorizationCode').find('value'), undefined);
    });
  }

  if (all('Session')) {
    test(`${name}: a session is found by its cookie and by its uid`, async (t) => {
      const adapter = (await open(t))('Session');
      const stored = payload({ kind: 'Session', uid: 'uid', accountId: 'citizen', loginTs: NOW });
      await adapter.upsert('cookie', stored, 600);
      t.like((await adapter.find('cookie')) as object, { uid: 'uid', accountId: 'citizen', jti: 'cookie' });
      t.like((await adapter.findByUid('uid')) as object, { uid: 'uid', accountId: 'citizen' });
      t.is(await adapter.find('uid'), undefined);
      t.is(await adapter.findByUid('cookie'), undefined);
    });

    test(`${name}: ${AT_ONCE} portals that sign on at once are all in the session`, async (t) => {
      const adapter = (await open(t))('Session');
      const session = { kind: 'Session', uid: 'uid', accountId: 'citizen', loginTs: NOW };
      await adapter.upsert('cookie', payload(session), 600);
      const portals = Array.from({ length: AT_ONCE }, (_, n) => `portal-${String(n).padStart(2, '0')}`);
      await Promise.all(
        portals.map((id) => {
          const authorizations = { [id]: { sid: `sid-${id}`, grantId: `grant-${id}` } };
          return adapter.upsert('cookie', payload({ ...session, authorizations }), 600);
        }),
      );
      const { authorizations } = (await adapter.find('cookie')) as AdapterPayload;
      t.deepEqual(Object.keys(authorizations ?? {}).sort(), portals);
    });
  }

  if (all('Grant')) {
    test(`${name}: a grant is found, replaced and destroyed`, async (t) => {
      const adapter = (await open(t))('Grant');
      await adapter.upsert('grant', payload({ kind: 'Grant', clientId: 'c', accountId: 'a' }), 600);
      await adapter.upsert(
        'grant',
        payload({ kind: 'Grant', clientId: 'c', accountId: 'a', openid: { scope: 'openid' } }),
        600,
      );
      t.like((await adapter.find('grant')) as object, { openid: { scope: 'openid' } });
      await adapter.destroy('grant');
      t.is(await adapter.find('grant'), undefined);
    });
  }
}
