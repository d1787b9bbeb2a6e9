import test from 'ava';
import { sessionStanding } from '../../../src/assurance/ladder.ts';
import { loadStanding } from '../../../src/assurance/standing.ts';
import { endEvidence, readEvidence, recordEvidence } from '../../../src/assurance/store.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { createBrowser, startStepUp } from './world.ts';

let db: TestDatabase;
let world: Awaited<ReturnType<typeof startStepUp>>;
test.before(async (t) => {
  db = await freshDatabase(t);
  world = await startStepUp(db);
});
test.after.always(async () => {
  await world.close();
  await db.close();
});

type Browser = ReturnType<typeof createBrowser>;

/** Chooses a method and presses a button at the authority; ends before the browser comes back. */
async function checkAt(browser: Browser, url: string, method: string, action = 'pass'): Promise<string> {
  const chosen = await browser.post(url, { method });
  if (chosen.status !== 303) throw new Error(`${method} was answered with ${chosen.status}`);
  const authority = browser.locationOf(chosen, url);
  return browser.locationOf(await createBrowser().post(authority, { action }), authority);
}
/** Follows redirects inside the platform until a page. */
async function arrive(
  browser: Browser,
  start: string,
): Promise<{ url: string; status: number; html: string }> {
  let url = start;
  for (let hop = 0; hop < 6; hop++) {
    const response = await browser.get(url);
    if (response.status < 300 || response.status > 399) {
      return { url, status: response.status, html: await response.text() };
    }
    url = browser.locationOf(response, url);
    if (url.endsWith('/end')) return { url, status: 0, html: '' };
  }
  throw new Error('redirects without end');
}
const methodsOf = (html: string) =>
  [...html.matchAll(/name="method" value="(\w+)"/g)].map(([, method]) => method);
const errorOf = (html: string) => html.match(/<meta name="ymt-error" content="(\w+)">/)?.[1];
const levelOf = async ({ citizenId, sessionUid }: { citizenId: string; sessionUid: string }) =>
  sessionStanding({ ...(await loadStanding(db, { citizenId, sessionUid })), at: new Date() }).level;

test('the page names account, purpose and the four ways to intermediate', async (t) => {
  const visit = await world.begin('wang_xiulan', 'basic', { target: 'intermediate' });
  const response = await createBrowser().get(visit.url);
  const html = await response.text();
  t.is(response.status, 200);
  t.deepEqual(methodsOf(html), ['face', 'alipay', 'social_security_card', 'bank_card']);
  t.regex(html, /王\*\*/);
  t.regex(html, /人社厅/);
  t.false(html.includes(visit.person.name));
  t.false(html.includes(visit.person.id_number));
  const [formAction = ''] = response.headers.get('content-security-policy')?.match(/form-action [^;]*/) ?? [];
  t.true(formAction.split(' ').includes(world.authorities.url), 'the pages of checks');
  t.notRegex(formAction, /127\.0\.0\.1/, 'not the API, which is elsewhere');
});

test('from basic to advanced one flow leads through both checks and ends by itself', async (t) => {
  const visit = await world.begin('li_jianzhong', 'basic', { target: 'advanced' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const half = await arrive(browser, await checkAt(browser, visit.url, 'face'));
  t.deepEqual(methodsOf(half.html), ['live_face', 'voiceprint', 'video']);
  t.regex(half.html, /notice-success/);
  t.is(world.ends.get(visit.uid), undefined);
  const whole = await arrive(browser, await checkAt(browser, visit.url, 'live_face'));
  t.true(whole.url.endsWith('/end'));
  t.is(world.ends.get(visit.uid), 'logged in');
  t.is(await levelOf(visit), 'advanced');
});

test('a bank card is a form that keeps what was typed and names what is wrong', async (t) => {
  const visit = await world.begin('gao_xiuyun', 'basic', { target: 'intermediate' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const chosen = await browser.post(visit.url, { method: 'bank_card' });
  const form = browser.locationOf(chosen, visit.url);
  t.regex((await arrive(browser, form)).html, /name="card_number"[^>]*/);
  const wrong = await browser.post(form, {
    card_number: '6299390000000000217',
    phone: '',
    action: 'continue',
  });
  const html = await wrong.text();
  t.is(wrong.status, 422);
  t.regex(html, /6299390000000000217/);
  t.regex(html, /field-phone/);
  const right = await browser.post(form, {
    card_number: '6299 3900 0000 0000 216',
    phone: visit.person.phone,
    action: 'continue',
  });
  await arrive(browser, browser.locationOf(right, form));
  t.is(world.ends.get(visit.uid), 'logged in');
  t.is(await levelOf(visit), 'intermediate');
});

test('a card that is not theirs, and an issuer that is down, lose nothing that was typed', async (t) => {
  for (const [username, status, text] of [
    ['sun_haoran', 422, /没有确认这些信息/],
    ['zhu_tingyu', 503, /暂时无法使用/],
  ] as const) {
    const visit = await world.begin(username, 'basic', { target: 'intermediate' });
    const card = visit.person.cards.social_security_card ?? '';
    const form = `${visit.url}/social_security_card`;
    const browser = createBrowser();
    await browser.get(visit.url);
    const response = await browser.post(form, { card_number: card, action: 'continue' });
    t.is(response.status, status);
    const html = await response.text();
    t.regex(html, text);
    t.true(html.includes(card));
    t.is(errorOf(html), status === 503 ? 'proof_unavailable' : undefined);
  }
});

test('after two failures of the face the other ways lead, in the same flow', async (t) => {
  const visit = await world.begin('zhang_minran', 'basic', { target: 'intermediate' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const cancelled = await arrive(browser, await checkAt(browser, visit.url, 'face', 'cancel'));
  t.regex(cancelled.html, /您已取消“人脸比对”/);
  t.notRegex(cancelled.html, /没有通过/);
  const once = await arrive(browser, await checkAt(browser, visit.url, 'face'));
  t.is(methodsOf(once.html)[0], 'face');
  t.regex(once.html, /没有通过/);
  const twice = await arrive(browser, await checkAt(browser, visit.url, 'face'));
  t.deepEqual(methodsOf(twice.html), ['alipay', 'social_security_card', 'bank_card', 'face']);
  await arrive(browser, await checkAt(browser, visit.url, 'alipay'));
  t.is(world.ends.get(visit.uid), 'logged in');
});

test('a callback in another browser logs nobody in; the first browser goes on by a button', async (t) => {
  const visit = await world.begin('luo_yongnian', 'intermediate', { target: 'advanced' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const back = await checkAt(browser, visit.url, 'voiceprint');
  t.regex((await arrive(browser, visit.url)).html, /value="continue"/);
  const elsewhere = createBrowser();
  const page = await arrive(elsewhere, back);
  t.regex(page.html, /请回到开始时的页面/);
  t.is(page.status, 200);
  t.is(await levelOf(visit), 'intermediate');
  t.is(world.ends.get(visit.uid), undefined);
  const pressed = await browser.post(visit.url, { action: 'continue' });
  await arrive(browser, browser.locationOf(pressed, visit.url));
  t.is(world.ends.get(visit.uid), 'logged in');
  t.is(await levelOf(visit), 'advanced');
});

test('while the authority has not decided, the waiting page says so and offers another way', async (t) => {
  const visit = await world.begin('zhao_leishi', 'basic', { target: 'intermediate' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const page = await arrive(browser, await checkAt(browser, visit.url, 'face'));
  t.regex(page.html, /正在等待核验结果/);
  const again = await (await browser.post(visit.url, { action: 'continue' })).text();
  t.regex(again, /还没有结果/);
  world.authorities.outcomes(visit.person.id_number, { face: 'down' });
  const silent = await browser.post(visit.url, { action: 'continue' });
  t.is(silent.status, 503);
  t.is(errorOf(await silent.text()), 'proof_unavailable');
  world.authorities.outcomes(visit.person.id_number, { face: null });
  t.is(methodsOf((await arrive(browser, `${visit.url}?choose=1`)).html).length, 4);
});

test('an authority that is down is said to be, and the ways stay', async (t) => {
  const visit = await world.begin('yang_yizhou', 'basic', { target: 'intermediate' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const response = await browser.post(visit.url, { method: 'face' });
  t.is(response.status, 503);
  const html = await response.text();
  t.regex(html, /暂时无法使用/);
  t.is(errorOf(html), 'proof_unavailable');
  t.is(methodsOf(html).length, 4);
});

test('a preferred level can be skipped, a needed one cannot', async (t) => {
  const wished = await world.begin('feng_xiaoman', 'basic', {
    target: 'intermediate',
    floor: 'basic',
    optional: true,
  });
  const browser = createBrowser();
  t.regex((await arrive(browser, wished.url)).html, /value="skip"/);
  await browser.post(wished.url, { action: 'skip' });
  t.is(world.ends.get(wished.uid), 'without');
  const needed = await world.begin('xu_ruonan', 'basic', { target: 'intermediate' });
  t.notRegex((await arrive(browser, needed.url)).html, /value="skip"/);
  t.is((await browser.post(needed.url, { action: 'skip' })).status, 400);
});

test('who declines reads what is missing, how to get it, the way back and how to switch', async (t) => {
  const visit = await world.begin('wu_taosheng', 'basic', { target: 'intermediate' });
  const browser = createBrowser();
  const response = await browser.post(visit.url, { action: 'decline' });
  const html = await response.text();
  t.is(response.status, 403);
  t.is(errorOf(html), 'unmet_authentication_requirements');
  t.regex(html, /value="back"/);
  t.regex(html, /\/switch"/);
  t.is(world.ends.get(visit.uid), undefined);
  await browser.post(visit.url, { action: 'back' });
  t.is(world.ends.get(visit.uid), 'unmet_authentication_requirements');
});

test('while a recovery holds the account down the page says until when', async (t) => {
  const visit = await world.begin('ma_yuzhen', 'basic', { target: 'intermediate' });
  await db.query('update accounts set level_cap_until = $2 where citizen_id = $1', [
    visit.citizenId,
    new Date(Date.now() + 3_600_000),
  ]);
  const { status, html } = await arrive(createBrowser(), visit.url);
  t.is(status, 403);
  t.is(errorOf(html), 'unmet_authentication_requirements');
  t.regex(html, /刚刚找回/);
});

test('a request with an unknown level says that the service must change', async (t) => {
  const visit = await world.begin('hu_binqing', 'basic', { target: 'basic', unmet: 'no_known_value' });
  const { html } = await arrive(createBrowser(), visit.url);
  t.is(errorOf(html), 'unmet_authentication_requirements');
  t.regex(html, /没有提供/);
});

test('an account whose phone evidence ran out is confirmed again with one button', async (t) => {
  const visit = await world.begin('guo_fangling', 'anonymous', { target: 'basic' });
  await recordEvidence(db, {
    citizenId: visit.citizenId,
    method: 'register',
    source: 'police',
    transactionId: 'old',
    at: new Date(),
  });
  const browser = createBrowser();
  t.regex((await arrive(browser, visit.url)).html, /尚未确认，或上次的确认已经失效[\s\S]*value="basics"/);
  world.authorities.outcomes(visit.person.id_number, { carrier: 'other_owner' });
  t.regex(await (await browser.post(visit.url, { action: 'basics' })).text(), /手机号码不在您名下/);
  world.authorities.outcomes(visit.person.id_number, { carrier: 'down' });
  const silent = await browser.post(visit.url, { action: 'basics' });
  t.is(silent.status, 503);
  t.is(errorOf(await silent.text()), 'proof_unavailable');
  world.authorities.outcomes(visit.person.id_number, { carrier: null });
  await browser.post(visit.url, { action: 'basics' });
  t.is(world.ends.get(visit.uid), 'logged in');
});

test('whose phone is no longer confirmed is vouched for at a counter, and goes on', async (t) => {
  const visit = await world.begin('cheng_yuan', 'basic', { target: 'basic' });
  const { citizenId, person, url } = visit;
  await endEvidence(db, { citizenId, method: 'carrier', reason: 'new_owner', at: new Date() });
  world.authorities.outcomes(person.id_number, { carrier: 'other_owner' });
  const browser = createBrowser();
  t.notRegex((await arrive(browser, url)).html, /value="counter"/, 'the carrier is asked first');
  t.regex(
    await (await browser.post(url, { action: 'basics' })).text(),
    /value="officer"[\s\S]*value="counter"/,
  );
  await browser.post(url, { method: 'counter' });
  t.regex(await (await browser.post(url, { action: 'continue' })).text(), /还没有结果/);
  t.is(world.ends.get(visit.uid), undefined);
  await decideAtDesk(world.authorities.url, person.id_number);
  await browser.post(url, { action: 'continue' });
  t.regex((await readEvidence(db, citizenId)).map(({ method }) => method).join(), /in_person/);
  // The next look at the page ends the interaction.
  await browser.get(url);
  t.is(world.ends.get(visit.uid), 'logged in');
  world.authorities.outcomes(person.id_number, { carrier: null });
});

test('a login that is too old for the level leads to the login page', async (t) => {
  const visit = await world.begin('he_junsheng', 'intermediate', { target: 'intermediate' });
  await db.query('update proofs set at = at - $2::interval where citizen_id = $1', [
    visit.citizenId,
    '13 hours',
  ]);
  const browser = createBrowser();
  const response = await browser.get(visit.url);
  t.is(browser.locationOf(response, visit.url), `${world.origin}/interaction/${visit.uid}/login`);
});

test('when nothing is missing the citizen goes on by a button, never round in circles', async (t) => {
  const visit = await world.begin('cao_yingyue', 'intermediate', { target: 'intermediate' });
  const browser = createBrowser();
  t.regex((await arrive(browser, visit.url)).html, /核验已完成/);
  await browser.post(visit.url, { action: 'continue' });
  t.is(world.ends.get(visit.uid), 'logged in');
});

test('before a live check the register is asked, and the account of a dead person is closed', async (t) => {
  const visit = await world.begin('han_songnian', 'intermediate', { target: 'advanced' });
  world.authorities.outcomes(visit.person.id_number, { register: 'deceased' });
  const browser = createBrowser();
  await browser.get(visit.url);
  const response = await browser.post(visit.url, { method: 'live_face' });
  t.is(response.status, 403);
  t.is(errorOf(await response.text()), 'account_deceased');
});

/** The officer at the desk accepts whoever has this number. */
async function decideAtDesk(authorities: string, idNumber: string): Promise<void> {
  const desk = await (await fetch(`${authorities}/video/officer`)).text();
  const [, path = ''] = /action="(\/video\/officer\/[^"]+)"/.exec(desk.slice(desk.indexOf(idNumber))) ?? [];
  await fetch(authorities + path, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ action: 'accept' }),
  });
}
