import test from 'ava';
import type { ClaimSet } from '../../src/consents/claim-set.ts';
import { consentGiven, readConsents, withdrawConsents } from '../../src/consents/store.ts';
import { nextConsentStep } from '../../src/front-door/consent/steps.ts';
import type { HealthClaim } from '../../src/health-code/claim.ts';
import type { PersonalSet, SCOPE_CLAIMS } from '../../src/oidc/claim-sets.ts';
import { loadTexts } from '../../src/platform/i18n.ts';
import { givenAccount } from '../support/citizens.ts';
import { startFrontDoor, submit, type TestFrontDoor } from '../support/front-door.ts';

const profile: ClaimSet = { id: 'profile', claims: ['name', 'gender'], separate: false };
const phone: ClaimSet = { id: 'phone', claims: ['phone_number'], separate: false };
const identity: ClaimSet = { id: 'identity', claims: ['name', 'id_number'], separate: true };
const health: ClaimSet = { id: 'health_code', claims: ['health_code'], separate: true };

test('ordinary claim sets share a page, sensitive ones have one each, and what was given is not asked again', (t) => {
  const sets = [profile, identity, phone, health];
  const pages: string[][] = [];
  const answers = new Map<string, boolean>();
  for (;;) {
    const step = nextConsentStep(sets, ['phone'], answers);
    if (step.kind === 'done') {
      t.deepEqual(step.allowed, ['profile', 'phone', 'health_code']);
      break;
    }
    t.is(step.total, 3);
    pages.push(step.claimSets.map(({ id }) => id));
    for (const { id } of step.claimSets) answers.set(id, id !== 'identity');
  }
  t.deepEqual(pages, [['profile'], ['identity'], ['health_code']]);
});

async function begin(
  t: Parameters<typeof startFrontDoor>[0],
  claimSets: ClaimSet[],
  reasons = ['op_claims'],
) {
  const door = await startFrontDoor(t);
  const citizenId = await givenAccount(door.db, 1);
  const ask = () =>
    door.begin({ prompt: 'consent', reasons, session: { uid: 's', citizenId }, consent: { claimSets } });
  return { door, citizenId, ask };
}

const answer = async (door: TestFrontDoor, uid: string, jar = door.jar()) => {
  const page = await jar.get(`/interaction/${uid}`);
  const asked = page.text.match(/name="asked" value="([^"]*)"/)?.[1] ?? '';
  return (action: 'allow' | 'deny') => submit(jar, `/interaction/${uid}/consent`, { action, asked });
};

test('consent is asked in words, given once, remembered, and asked again after withdrawal', async (t) => {
  const { door, citizenId, ask } = await begin(t, [profile]);
  const uid = ask();
  t.regex((await door.jar().get(`/interaction/${uid}`)).text, /姓名、性别、出生日期，以及您的用户名/);
  await (await answer(door, uid))('allow');
  t.deepEqual(door.told, [{ did: 'consented', allowed: ['profile'] }]);
  await door.jar().get(`/interaction/${ask()}`);
  t.is(door.told.length, 2);
  const key = { citizenId, clientId: 'city-a' };
  t.true(await consentGiven(door.db, { ...key, claimSets: [profile] }));
  t.false(
    await consentGiven(door.db, { ...key, claimSets: [{ ...profile, claims: ['name', 'birthdate'] }] }),
  );
  t.deepEqual(await withdrawConsents(door.db, { ...key, now: door.now() }), ['profile']);
  t.false(await consentGiven(door.db, { ...key, claimSets: [profile] }));
  t.truthy((await readConsents(door.db, citizenId))[0]?.withdrawnAt);
});

test('each sensitive set is agreed to by itself; refusing one leaves the rest', async (t) => {
  const { door, ask } = await begin(t, [profile, identity]);
  const uid = ask();
  const jar = door.jar();
  const second = await (await answer(door, uid, jar))('allow');
  t.regex(second.text, /敏感个人信息/);
  t.regex(second.text, /只有在您的认证等级达到中级时才会提供/);
  t.notRegex((await door.jar().get(`/interaction/${ask()}`)).text, /只有在您的认证等级/);
  await submit(jar, `/interaction/${uid}/consent`, { action: 'deny', asked: 'identity' });
  t.deepEqual(door.told, [{ did: 'consented', allowed: ['profile'] }]);
});

test('refusing the ordinary sets, or the only one, goes back with access_denied', async (t) => {
  const { door, ask } = await begin(t, [profile, identity]);
  await (await answer(door, ask()))('deny');
  t.deepEqual(door.told, [{ did: 'declined', error: 'access_denied' }]);
});

test('prompt=consent asks again for what was given', async (t) => {
  const { door, ask } = await begin(t, [profile], ['consent_prompt']);
  await (await answer(door, ask()))('allow');
  t.regex((await door.jar().get(`/interaction/${ask()}`)).text, /value="allow"/);
});

/** A word for each claim that is released, as citizens read it before they agree: Chinese, English. */
const TOLD: {
  [Set in PersonalSet]: Record<
    Set extends 'health_code'
      ? keyof HealthClaim
      : Set extends keyof typeof SCOPE_CLAIMS
        ? (typeof SCOPE_CLAIMS)[Set][number]
        : string,
    readonly [string, string]
  >;
} = {
  profile: {
    name: ['姓名', 'Name'],
    preferred_username: ['用户名', 'user name'],
    birthdate: ['出生日期', 'date of birth'],
    gender: ['性别', 'gender'],
  },
  phone: {
    phone_number: ['手机号', 'phone number'],
    phone_number_verified: ['是否经过核验', 'whether it is verified'],
  },
  identity: { name: ['姓名', 'Name'], id_number: ['证件号码', 'ID number'] },
  health_code: {
    colour: ['颜色', 'colour'],
    region: ['地区', 'region'],
    assessed_at: ['生成时间', 'when it was made'],
    valid_until: ['有效期', 'how long it is valid'],
    ruleset: ['规则版本', 'version of the rules'],
  },
  verified_claims: {
    name: ['姓名', 'Name'],
    birthdate: ['出生日期', 'date of birth'],
    assurance_level: ['认证等级', 'assurance level'],
    document: ['证件的种类', 'kind of document'],
    organization: ['哪个机构', 'who verified'],
    time: ['何时', 'when'],
    check_method: ['何种方式', 'how'],
  },
};

test('what a citizen is asked to agree to names everything that is then released', (t) => {
  const texts = loadTexts('config/texts');
  for (const [set, words] of Object.entries(TOLD)) {
    for (const [claim, [chinese, english]] of Object.entries(words)) {
      t.true(texts.translator('zh-CN')(`consents.set.${set}.text`).includes(chinese), `${set}: ${claim}`);
      t.true(texts.translator('en')(`consents.set.${set}.text`).includes(english), `${set}: ${claim}`);
    }
  }
});
