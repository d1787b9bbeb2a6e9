import Router from '@koa/router';
import test from 'ava';
import type { Middleware } from 'koa';
import { accountClient } from '../../../src/account/client.ts';
import { openAccount } from '../../../src/account/routes.ts';
import { createCarrier } from '../../../src/authorities/carrier.ts';
import { officerCommand } from '../../../src/health-code/officers/command.ts';
import { officerRoutes } from '../../../src/health-code/officers/routes.ts';
import { endRole, grantRole, officersWith, rolesOf } from '../../../src/health-code/officers/store.ts';
import { createLimits } from '../../../src/platform/limits.ts';
import { cipher, givenAccount, NOW, phoneOf } from '../../support/citizens.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
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

test('an officer is named by user name, phone or ID number, once, and taken back at once', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = await givenAccount(db, 1);
  const say = (...args: string[]) => officerCommand(db, cipher, args, NOW);
  const office = ['甲市卫生健康委员会', 'health'];
  t.is(await say('list'), 'Nobody is an officer.');
  t.is(await say('grant', 'person.1', 'health_officer', ...office), 'health_officer granted.');
  t.regex(await say('grant', phoneOf(1), 'health_officer', ...office), /already/);
  t.is(await say('grant', phoneOf(1), 'rule_signer', ...office), 'rule_signer granted.');
  t.regex(await say('list'), /health_officer.*甲市卫生健康委员会 \(health\)\nrule_signer/);
  t.is(await say('end', 'person.1', 'health_officer'), 'health_officer ended.');
  t.regex(await say('end', 'person.1', 'health_officer'), /is not/);
  t.deepEqual(
    (await rolesOf(db, citizenId)).map(({ role }) => role),
    ['rule_signer'],
  );
  t.is((await officersWith(db, 'rule_signer')).length, 1);
  const events = await db.query<{ type: string }>(
    `select type from audit_events where citizen_id = $1 and type like 'health.officer%' order by id`,
    [citizenId],
  );
  t.deepEqual(
    events.map(({ type }) => type),
    ['health.officer_granted', 'health.officer_granted', 'health.officer_ended'],
  );
});

/** Where nobody is an officer. */
let nobody: TestDatabase;
test.before(async (t) => {
  nobody = await freshDatabase(t);
  await givenAccount(nobody, 1);
});
test.after.always(() => nobody?.close());

for (const [what, args, words] of [
  ['without a verb', [], /npm run officers -- list/],
  ['with an unknown role', ['grant', 'person.1', 'king', '甲市', 'health'], /The role must be one of/],
  [
    'with an unknown type',
    ['grant', 'person.1', 'health_officer', '甲市', 'royal'],
    /type of the organisation/,
  ],
  [
    'without an organisation',
    ['grant', 'person.1', 'health_officer', ' ', 'health'],
    /Name the organisation/,
  ],
  [
    'for a role about health at the police',
    ['grant', 'person.1', 'health_officer', '甲市公安局', 'police'],
    /health_officer is only for organisations of type health/,
  ],
  ['for nobody', ['grant', 'nobody.here', 'health_officer', '甲市', 'health'], /Nobody with that identifier/],
] as const) {
  test(`the command ${what} says what is wrong`, async (t) => {
    await t.throwsAsync(officerCommand(nobody, cipher, args, NOW), { message: words });
    t.deepEqual(await officersWith(nobody), []);
  });
}
