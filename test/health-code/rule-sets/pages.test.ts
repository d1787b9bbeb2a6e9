import Router from '@koa/router';
import test from 'ava';
import { ruleSets } from '../../../src/health-code/engine/rule-set.ts';
import { registerRuleSets, seedRuleSet } from '../../../src/health-code/rule-set-store.ts';
import { ruleSetRoutes } from '../../../src/health-code/rule-sets/routes.ts';
import { stepRuns } from '../../../src/health-code/runs.ts';
import { bodyParser } from '../../../src/platform/http/forms.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';
import { errorOf, givenOfficer } from '../../support/health-office.ts';
import { serve } from '../../support/http.ts';
import { openJar } from '../../support/http-client.ts';

const old = ruleSets[0]!;
const milder = {
  ...old,
  version: '2026-9',
  types: Object.fromEntries(Object.entries(old.types).filter(([type]) => type !== 'FEVER_CLINIC')),
};
const sets = [old, milder];
const PAGE = '/health/officer/rule-sets/2026-9';

async function start(t: Parameters<typeof freshDatabase>[0]) {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  for (const n of [1, 2, 3]) {
    const { subject } = await givenDeclared(db, n);
    if (n < 3) await givenEvidence(db, subject, { type: 'FEVER_CLINIC', source: 'hospital', at: NOW });
  }
  await registerRuleSets(db, sets, NOW);
  const finishRuns = async () => {
    while ((await stepRuns(db, { now: NOW }, sets)) !== undefined);
  };
  await finishRuns();
  const officer = { citizenId: '' };
  const signers = [await givenOfficer(db, 4, ['rule_signer']), await givenOfficer(db, 5, ['rule_signer'])];
  const site = await serve(t as Parameters<typeof serve>[0], (pages) => {
    const router = new Router();
    router.use(bodyParser());
    const deps = { db, cipher, pages, clock: () => NOW };
    ruleSetRoutes(
      router,
      { ...deps, officerSignedIn: async () => ({ citizenId: officer.citizenId, fresh: true }) },
      sets,
    );
    return router;
  });
  const jar = openJar(site.url);
  const press = (step: string) =>
    jar.post(`${PAGE}/${step}`, new URLSearchParams(), {
      origin: site.url,
      'sec-fetch-site': 'same-origin',
    });
  const as = (n: 0 | 1) => {
    officer.citizenId = signers[n]!.citizenId;
  };
  as(0);
  return { db, jar, press, as, finishRuns, officer };
}

test('a new rule set goes through shadow, shift of colours and two signatures into force, on pages', async (t) => {
  const { db, jar, press, as, finishRuns } = await start(t);
  t.is(errorOf((await press('sign')).text), 'health_rule_set_no_shadow');
  t.is((await press('shadow')).status, 303);
  t.is(errorOf((await press('shadow')).text), 'health_run_under_way');
  t.regex((await jar.get(PAGE)).text, /0 \/ 3 人（0%）/);
  await finishRuns();
  const shifted = (await jar.get(PAGE)).text;
  t.regex(shifted, /data-shift="YELLOW-GREEN"[\s\S]*?>2</);
  t.regex(shifted, /data-shift="GREEN-GREEN"[\s\S]*?>1</);
  t.is(errorOf((await press('live')).text), 'health_rule_set_unsigned');
  t.is((await press('sign')).status, 303);
  t.is(errorOf((await press('sign')).text), 'health_same_person');
  t.is(errorOf((await press('live')).text), 'health_rule_set_unsigned');
  as(1);
  t.is((await press('sign')).status, 303);
  t.is((await press('live')).status, 303);
  t.is(errorOf((await press('live')).text), 'health_rule_set_live');
  await finishRuns();
  t.regex((await jar.get(PAGE)).text, /全员重新判定[\s\S]*3 \/ 3 人（100%）/);
  const colours = await db.query('select colour, rule_set from health_people');
  t.deepEqual(
    colours,
    Array.from({ length: 3 }, () => ({ colour: 'GREEN', rule_set: '2026-9' })),
  );
  const acts = await db.query<{ type: string; actor: string }>(
    `select type, actor from audit_events where type like 'health.rule_set%' and actor like 'officer:%' order by id`,
  );
  t.deepEqual(
    acts.map(({ type }) => type),
    ['health.rule_set_shadow', 'health.rule_set_signed', 'health.rule_set_signed', 'health.rule_set_live'],
  );
});

test('an officer who signs no rules sees the progress and no button', async (t) => {
  const { db, jar, press, officer } = await start(t);
  officer.citizenId = (await givenOfficer(db, 6, ['health_officer'])).citizenId;
  const page = await jar.get(PAGE);
  t.is(page.status, 200);
  t.notRegex(page.text, /rule-sets\/2026-9\/(shadow|sign|live)/);
  t.is(errorOf((await press('shadow')).text), 'health_not_officer');
});

test('a rule set that nobody knows is not found', async (t) => {
  const { jar } = await start(t);
  for (const version of ['9999-1', "'--", '%00']) {
    const page = await jar.get(`/health/officer/rule-sets/${version}`);
    t.true([400, 404].includes(page.status), `${version}: ${page.status}`);
  }
});

test('a sandbox that gets another rule set starts, and leaves it to the officers', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  await seedRuleSet(db, [old, { ...milder, validFrom: old.validFrom + 1 }], NOW);
  const live = await db.query('select version from health_rule_sets where live_from is not null');
  t.deepEqual(live, [{ version: old.version }]);
});
