import test, { type ExecutionContext } from 'ava';
import { AuthorityUnavailable } from '../../src/authorities/ask.ts';
import { createRedirectCheck, type RedirectCheckKind } from '../../src/authorities/redirect-check.ts';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { freshWorld, identityOf, personNamed } from '../sandbox/authorities/world.ts';

const RETURN_TO = 'http://localhost:3000/proofing/callback?method=face';

test.afterEach.always(() => shiftProcessClock(0));

/** Starts a check; `press` reads the page and sends the first button, or the one named. */
async function visit(t: ExecutionContext, kind: RedirectCheckKind, username: string) {
  const world = await freshWorld(t);
  const client = createRedirectCheck(world.url, fetch, [world.url]);
  const begin = async () => {
    const identity = identityOf(personNamed(username));
    const { reference, redirectTo } = await client.start({
      purpose: 'raise_level',
      kind,
      ...identity,
      returnTo: RETURN_TO,
      state: 's 1',
    });
    const press = async (action?: string) => {
      const page = await (await fetch(redirectTo)).text();
      const preset = /<button class="primary" name="action" value="(\w+)"/.exec(page)?.[1] ?? '';
      const body = new URLSearchParams({ action: action ?? preset });
      return fetch(redirectTo, { method: 'POST', body, redirect: 'manual' });
    };
    return { reference, redirectTo, press, result: () => client.result(kind, reference) };
  };
  return { ...world, client, begin };
}

for (const kind of ['face', 'alipay', 'live_face', 'voiceprint', 'video'] as const) {
  test(`${kind}: the person presses the first button, comes back with state and reference, and has passed`, async (t) => {
    const check = await (await visit(t, kind, 'gao_xiuyun')).begin();
    t.is((await check.result()).outcome, 'pending');
    const response = await check.press();
    t.is(response.status, 303);
    const back = new URL(response.headers.get('location') ?? '');
    t.is(back.origin + back.pathname, 'http://localhost:3000/proofing/callback');
    t.deepEqual(Object.fromEntries(back.searchParams), {
      method: 'face',
      state: 's 1',
      reference: check.reference,
    });
    const { decidedAt, ...result } = await check.result();
    t.true(decidedAt instanceof Date);
    t.deepEqual(result, {
      outcome: 'passed',
      ...identityOf(personNamed('gao_xiuyun')),
      live: kind !== 'face' && kind !== 'alipay',
      reference: check.reference,
      source: kind,
    });
  });

  test(`${kind}: a person can fail or cancel on purpose`, async (t) => {
    const { begin } = await visit(t, kind, 'gao_xiuyun');
    const failing = await begin();
    await failing.press('fail');
    t.is((await failing.result()).outcome, 'failed');
    const cancelling = await begin();
    await cancelling.press('cancel');
    t.is((await cancelling.result()).outcome, 'cancelled');
  });
}

for (const [kind, username, outcome, reason] of [
  ['face', 'zhang_minran', 'failed', 'not_alike'],
  ['face', 'chen_jingyi', 'cancelled', 'cancelled_by_person'],
  ['alipay', 'wu_taosheng', 'cancelled', 'cancelled_by_person'],
  ['alipay', 'bai_luning', 'failed', 'not_verified'],
  ['live_face', 'xia_fusheng', 'cancelled', 'cancelled_by_person'],
  ['voiceprint', 'qin_zaisi', 'cancelled', 'cancelled_by_person'],
  ['video', 'jin_weijie', 'cancelled', 'cancelled_by_person'],
  ['live_face', 'zheng_kaizhi', 'failed', 'not_live'],
  ['voiceprint', 'liang_hongwei', 'failed', 'not_alike'],
  ['video', 'xie_junlan', 'failed', 'refused_by_officer'],
] as const) {
  test(`${kind} of ${username} ends as ${outcome}: ${reason}`, async (t) => {
    const check = await (await visit(t, kind, username)).begin();
    await check.press();
    const result = await check.result();
    t.is(result.outcome, outcome);
    t.is(result.reason, reason);
  });
}

test('a person who is set to fail cannot pass by another button', async (t) => {
  const check = await (await visit(t, 'live_face', 'zheng_kaizhi')).begin();
  await check.press('pass');
  t.is((await check.result()).outcome, 'failed');
});

for (const [kind, username] of [
  ['face', 'liu_muyang'],
  ['live_face', 'qin_zaisi'],
  ['voiceprint', 'xia_fusheng'],
] as const) {
  test(`${kind} of ${username} fails once and passes the second time`, async (t) => {
    const { begin } = await visit(t, kind, username);
    const first = await begin();
    await first.press();
    t.is((await first.result()).outcome, 'failed');
    const second = await begin();
    await second.press();
    t.is((await second.result()).outcome, 'passed');
  });
}

test('an Alipay account of somebody else passes with the other’s identity', async (t) => {
  const check = await (await visit(t, 'alipay', 'huang_lichuan')).begin();
  await check.press();
  const result = await check.result();
  t.is(result.outcome, 'passed');
  t.not(result.name, personNamed('huang_lichuan').name);
  t.not(result.idNumber, personNamed('huang_lichuan').id_number);
});

test.serial('a slow comparison is pending until its time has come', async (t) => {
  const check = await (await visit(t, 'face', 'zhao_leishi')).begin();
  await check.press();
  t.is((await check.result()).outcome, 'pending');
  shiftProcessClock(61_000);
  t.is((await check.result()).outcome, 'passed');
});

test('a check whose authority is down does not start', async (t) => {
  for (const [kind, username] of [
    ['face', 'yang_yizhou'],
    ['alipay', 'xu_ruonan'],
    ['live_face', 'tang_yining'],
    ['voiceprint', 'jin_weijie'],
    ['video', 'zou_jiuhou'],
    ['counter', 'xia_fusheng'],
  ] as const) {
    const { begin } = await visit(t, kind, username);
    const error = await t.throwsAsync(begin(), { instanceOf: AuthorityUnavailable });
    t.is(error.kind, kind);
  }
});

test('a check whose page is on an origin that nobody named does not start, and the operator is told why', async (t) => {
  const world = await freshWorld(t);
  const told: unknown[] = [];
  const client = createRedirectCheck(world.url, fetch, ['https://checks.example.gov.cn'], {
    onUnavailable: ({ cause }) => told.push(String(cause)),
  });
  const identity = identityOf(personNamed('gao_xiuyun'));
  const question = {
    kind: 'face',
    purpose: 'recovery',
    ...identity,
    returnTo: RETURN_TO,
    state: 's',
  } as const;
  await t.throwsAsync(client.start(question), { instanceOf: AuthorityUnavailable });
  t.regex(String(told), /redirectTo: not on an origin of CHECK_ORIGINS/);
  t.notRegex(String(told), new RegExp(identity.idNumber));
  const named = createRedirectCheck(world.url.replace('localhost', '127.0.0.1'), fetch, [world.url]);
  t.true(
    (await named.start(question)).redirectTo.startsWith(world.url),
    'pages may be elsewhere than the API',
  );
});

test('the first decision stands', async (t) => {
  const check = await (await visit(t, 'face', 'gao_xiuyun')).begin();
  await check.press('fail');
  await check.press('pass');
  t.is((await check.result()).outcome, 'failed');
});

test('an unknown reference, or one of another kind, is a failure with nobody in it', async (t) => {
  const { client, begin } = await visit(t, 'face', 'gao_xiuyun');
  const check = await begin();
  await check.press();
  for (const result of [
    await client.result('face', 'nonsense'),
    await client.result('video', check.reference),
  ]) {
    t.like(result, { outcome: 'failed', reason: 'unknown_reference', name: '', idNumber: '' });
  }
});

test('a name that is not the person’s fails', async (t) => {
  const { client, url } = await visit(t, 'face', 'gao_xiuyun');
  const idNumber = personNamed('gao_xiuyun').id_number;
  const { reference, redirectTo } = await client.start({
    purpose: 'raise_level',
    kind: 'face',
    name: '别人',
    idNumber,
    returnTo: RETURN_TO,
    state: 's',
  });
  t.true(redirectTo.startsWith(url));
  await fetch(redirectTo, {
    method: 'POST',
    body: new URLSearchParams({ action: 'pass' }),
    redirect: 'manual',
  });
  t.is((await client.result('face', reference)).outcome, 'failed');
});

test('an officer accepts a call that is on: the result is live', async (t) => {
  const { url, begin } = await visit(t, 'video', 'gao_xiuyun');
  const check = await begin();
  t.regex(await (await fetch(`${url}/video/officer`)).text(), /高秀云/);
  const body = new URLSearchParams({ action: 'accept' });
  await fetch(`${url}/video/officer/${check.reference}`, { method: 'POST', body });
  t.like(await check.result(), { outcome: 'passed', live: true });
  t.regex(
    await (await fetch(check.redirectTo)).text(),
    /class="button primary" href="http:\/\/localhost:3000/,
  );
});

test('a call decided after the person left is pending until then, and not live', async (t) => {
  const { url, begin } = await visit(t, 'video', 'song_zhiqiu');
  const check = await begin();
  t.is((await check.press()).status, 303);
  t.is((await check.result()).outcome, 'pending');
  const body = new URLSearchParams({ action: 'accept' });
  await fetch(`${url}/video/officer/${check.reference}`, { method: 'POST', body });
  t.like(await check.result(), { outcome: 'passed', live: false });
});

test('the check page masks the person, speaks two languages and has no script', async (t) => {
  const check = await (await visit(t, 'face', 'gao_xiuyun')).begin();
  const chinese = await (await fetch(check.redirectTo)).text();
  t.regex(chinese, /<html lang="zh-CN">/);
  t.regex(chinese, /高\*云/);
  t.notRegex(chinese, new RegExp(`高秀云|${personNamed('gao_xiuyun').id_number}|<script`));
  const english = await (await fetch(`${check.redirectTo}?lang=en`)).text();
  t.regex(english, /<html lang="en">/);
  t.regex(english, /Face comparison/);
});
