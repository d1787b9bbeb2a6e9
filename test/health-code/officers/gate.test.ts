import Router from '@koa/router';
import test from 'ava';
import type { Middleware } from 'koa';
import { accountClient } from '../../../src/account/client.ts';
import { openAccount } from '../../../src/account/routes.ts';
import { createCarrier } from '../../../src/authorities/carrier.ts';
import { officerRoutes } from '../../../src/health-code/officers/routes.ts';
import { endRole, grantRole } from '../../../src/health-code/officers/store.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { errorOf } from '../../support/health-office.ts';
import type { Answered, Jar } from '../../support/http-client.ts';
import { startProtocol } from '../../support/protocol.ts';
import { logIn } from '../../support/relying-party.ts';

const SECRET = 'a secret of the account pages, for tests only';

/** The officers' pages behind the real front door; only its pages are replaced. */
async function start(t: Parameters<typeof startProtocol>[0]) {
  const world = { now: new Date() };
  const clock = () => world.now;
  const protocol = await startProtocol(t, {
    clock,
    clients: (issuer) => [accountClient(issuer, SECRET)],
    mount(parts) {
      const { router, gate } = openAccount({
        ...parts,
        limits: createLimits(parts.db),
        carrier: createCarrier('http://127.0.0.1:9', fetch),
        clientSecret: SECRET,
        passkeyName: '一码通',
        recheck: async () => 'match',
        endSessions: async () => 0,
      });
      const office = officerRoutes({
        ...parts,
        async officerSignedIn(ctx, wish) {
          const me = await gate.reached(ctx, { level: 'intermediate', ...wish });
          return me && { citizenId: me.citizen.id, fresh: me.fresh };
        },
      });
      const all = new Router();
      all.use(router.routes());
      all.use(office.routes());
      return all.routes() as unknown as Middleware;
    },
  });
  return { protocol, world };
}

async function follow(jar: Jar, first: Answered): Promise<Answered & { url: string }> {
  let answer = first;
  let url = '';
  for (let hops = 0; answer.location !== undefined && hops < 12; hops += 1) {
    url = answer.location;
    answer = await jar.get(url);
  }
  return { ...answer, url };
}

/** Opens a page, logs in where the door asks. */
async function open(jar: Jar, path: string, citizenId: string) {
  const page = await follow(jar, await jar.get(path));
  if (!page.url.includes('/interaction/')) return page;
  return follow(jar, await jar.post(page.url, logIn(citizenId)));
}

const role = (citizenId: string, now: Date) =>
  ({
    citizenId,
    role: 'activation_approver',
    organisation: '示例省卫生健康委员会',
    orgType: 'health',
    now,
  }) as const;

test('an officer signs in at our own front door, at intermediate, and lands where they wanted to go', async (t) => {
  const { protocol, world } = await start(t);
  const officer = await protocol.citizen('intermediate');
  await grantRole(protocol.db, role(officer, world.now));
  const page = await open(protocol.jar(), '/health/officer', officer);
  t.regex(page.text, /示例省卫生健康委员会，启用审批/);
  t.regex(page.text, /健康码未启用/);
});

test('basic is not enough, whatever role somebody has', async (t) => {
  const { protocol, world } = await start(t);
  const officer = await protocol.citizen('basic');
  await grantRole(protocol.db, role(officer, world.now));
  const page = await open(protocol.jar(), '/health/officer', officer);
  t.notRegex(page.text, /启用审批/);
  t.is(page.status === 200 && page.url.includes('/health/officer'), false);
});

test('a form asks for a new login after a while, an act too, and a role that ended is gone with the next click', async (t) => {
  const { protocol, world } = await start(t);
  const officer = await protocol.citizen('intermediate');
  await grantRole(protocol.db, role(officer, world.now));
  const jar = protocol.jar();
  const path = '/health/officer/activations';
  t.regex((await open(jar, path, officer)).text, /申请启用/);
  world.now = new Date(world.now.getTime() + 25 * 60_000);
  t.is((await jar.get('/health/officer')).status, 200);
  t.is((await jar.get(path)).status, 303);
  world.now = new Date(world.now.getTime() + 20 * 60_000);
  const form = {
    legal_basis: '示例省传染病防治应急预案',
    region: '390000',
    from: '2020-01-01',
    to: '2020-01-02',
  };
  const post = (fields: Record<string, string>) =>
    jar.post(path, new URLSearchParams(fields), {
      origin: protocol.issuer,
      'sec-fetch-site': 'same-origin',
    });
  const late = await post(form);
  t.is(late.status, 422);
  t.regex(late.text, /请先在新窗口重新登录/);
  t.regex(late.text, /示例省传染病防治应急预案/);
  t.regex((await open(jar, path, officer)).text, /申请启用/);
  const wrong = await post(form);
  t.regex(wrong.text, /开始日期不能早于今天/);
  t.notRegex(wrong.text, /请先在新窗口重新登录/);
  await endRole(protocol.db, { ...role(officer, world.now) });
  t.is(errorOf((await jar.get('/health/officer')).text), 'health_not_officer');
});
