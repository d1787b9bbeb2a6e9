import type { ExecutionContext, TestFn } from 'ava';
import type { AdapterFactory, AdapterPayload } from 'oidc-provider';

const NOW = Math.floor(Date.now() / 1000);
const payload = (over: Record<string, unknown> = {}): AdapterPayload =>
  ({ iat: NOW, exp: NOW + 600, ...over }) as AdapterPayload;

const ok = (settled: PromiseSettledResult<unknown>[]) =>
  settled.filter(({ status }) => status === 'fulfilled').length;
const AT_ONCE = 20;

/**
 * What any storage for the provider must do. A new storage is proved by running this, not argued.
 *
 * @param open gives an empty storage for one test
 */
export function adapterConformance(
  test: TestFn,
  name: string,
  open: (t: ExecutionContext<unknown>) => Promise<AdapterFactory>,
): void {
  for (const model of [
    'AuthorizationCode',
    'AccessToken',
    'RefreshToken',
    'PushedAuthorizationRequest',
    'Interaction',
  ]) {
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
      await adapter.destroy('value');
      t.is(await adapter.find('value'), undefined);
    });
  }

  for (const model of ['AuthorizationCode', 'RefreshToken', 'PushedAuthorizationRequest']) {
    test(`${name}: of ${AT_ONCE} that use one ${model} at once, one succeeds`, async (t) => {
      const adapter = (await open(t))(model);
      await adapter.upsert('value', payload({ kind: model }), 600);
      const settled = await Promise.allSettled(
        Array.from({ length: AT_ONCE }, () => adapter.consume('value')),
      );
      t.is(ok(settled), 1);
    });
  }

  test(`${name}: a consumed code is still found, as consumed`, async (t) => {
    const adapter = (await open(t))('AuthorizationCode');
    await adapter.upsert('value', payload({ kind: 'AuthorizationCode' }), 600);
    await adapter.consume('value');
    t.truthy(((await adapter.find('value')) as AdapterPayload).consumed);
  });

  test(`${name}: of ${AT_ONCE} that remember one one-time value at once, one succeeds`, async (t) => {
    const adapter = (await open(t))('ReplayDetection');
    const settled = await Promise.allSettled(
      Array.from({ length: AT_ONCE }, () => adapter.upsert('jti', payload({ kind: 'ReplayDetection' }), 60)),
    );
    t.is(ok(settled), 1);
  });

  test(`${name}: revoking a grant takes its code and tokens, and nobody else's`, async (t) => {
    const factory = await open(t);
    const models = ['AuthorizationCode', 'AccessToken', 'RefreshToken'];
    for (const model of models) {
      for (const grantId of ['mine', 'theirs']) {
        await factory(model).upsert(`${model}-${grantId}`, payload({ kind: model, grantId }), 600);
      }
    }
    for (const model of models) await factory(model).revokeByGrantId('mine');
    for (const model of models) {
      t.is(await factory(model).find(`${model}-mine`), undefined);
      t.truthy(await factory(model).find(`${model}-theirs`));
    }
  });

  test(`${name}: a session is found by its cookie and by its uid`, async (t) => {
    const adapter = (await open(t))('Session');
    await adapter.upsert(
      'cookie',
      payload({ kind: 'Session', uid: 'uid', accountId: 'citizen', loginTs: NOW }),
      600,
    );
    t.like((await adapter.find('cookie')) as object, { uid: 'uid', accountId: 'citizen', jti: 'cookie' });
    t.like((await adapter.findByUid('uid')) as object, { uid: 'uid', accountId: 'citizen' });
    t.is(await adapter.find('uid'), undefined);
    t.is(await adapter.findByUid('cookie'), undefined);
  });

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
