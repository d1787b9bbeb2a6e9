import type Router from '@koa/router';
import type { Context } from 'koa';
import { record } from '../../audit/log.ts';
import type { Queryable } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { type RuleSet, ruleSets } from '../engine/rule-set.ts';
import { type Officer, type OfficerDeps, officerGate } from '../officers/gate.ts';
import { mayOpen, OFFICER_PAGES, officerNav } from '../officers/nav.ts';
import { type KnownRuleSet, putIntoForce, readRuleSets, signRuleSet } from '../rule-set-store.ts';
import { readRuns, startRun } from '../runs.ts';

const LIST = '/health/officer/rule-sets';

/** What an officer may do next with a rule set: the pages offer this, and nothing else is done. */
export function nextSteps(
  known: KnownRuleSet,
  signer: string,
  shadowUnderWay: boolean,
): { shadow: boolean; sign: boolean; live: boolean } {
  const open = known.installed && known.liveFrom === undefined;
  const seen = known.shadowed || !known.replaces;
  const signed = known.signer1 !== undefined && known.signer2 !== undefined;
  return {
    shadow: open && !shadowUnderWay,
    // Nobody signs what they have not seen the effect of.
    sign: open && seen && !signed && known.signer1 !== signer,
    live: open && seen && signed,
  };
}

/**
 * `/health/officer/rule-sets`: what a new rule set would change, the two signatures, putting it into force, and how
 * far the passes over everybody have come.
 */
export function ruleSetRoutes(router: Router, deps: OfficerDeps, sets: readonly RuleSet[] = ruleSets): void {
  const { db, pages } = deps;
  const gate = officerGate(deps);
  const lookers = OFFICER_PAGES['rule-sets'] ?? [];

  async function known(db: Queryable, ctx: Context): Promise<KnownRuleSet> {
    const found = (await readRuleSets(db, sets)).find(({ version }) => version === ctx.params.version);
    if (!found) throw new Problem('health_rule_set_unknown', 404);
    return found;
  }

  router.get(
    LIST,
    gate.look(lookers, async (ctx, officer) => {
      pages.render(ctx, 'health-code/officer/rule-sets', {
        nav: officerNav(pages, ctx, officer, 'rule-sets'),
        ruleSets: await readRuleSets(db, sets),
        now: officer.now,
      });
    }),
  );

  const show = async (ctx: Context, officer: Officer) => {
    const found = await known(db, ctx);
    const runs = await readRuns(db, found.version);
    const waiting = runs.some(({ kind, finishedAt }) => kind === 'shadow' && !finishedAt);
    const rules = sets.find(({ version }) => version === found.version);
    pages.render(ctx, 'health-code/officer/rule-set', {
      nav: officerNav(pages, ctx, officer, 'rule-sets'),
      ruleSet: found,
      text: rules && JSON.stringify(rules, undefined, 2),
      runs,
      steps: officer.roles.has('rule_signer')
        ? nextSteps(found, officer.citizenId, waiting)
        : { shadow: false, sign: false, live: false },
      now: officer.now,
      done: ['shadow', 'signed', 'live'].find((done) => done === ctx.query.done),
    });
  };
  router.get(`${LIST}/:version`, gate.look(lookers, show));

  const button = (
    name: 'shadow' | 'sign' | 'live',
    done: string,
    act: (tx: Queryable, by: { version: string; officer: Officer; now: Date }) => Promise<unknown>,
  ) =>
    router.post(
      `${LIST}/:version/${name}`,
      gate.act(
        ['rule_signer'],
        async (ctx, officer) => {
          if (!mayOpen(officer, 'rule-sets')) throw new Problem('health_not_officer', 403);
          const { version } = await known(db, ctx);
          await db.transaction(async (tx) => {
            const found = await known(tx, ctx);
            if (name === 'sign' && found.replaces && !found.shadowed) {
              throw new Problem('health_rule_set_no_shadow', 409);
            }
            await act(tx, { version, officer, now: officer.now });
          });
          ctx.status = 303;
          ctx.redirect(`${LIST}/${version}?done=${done}`);
        },
        (ctx) => `${LIST}/${String(ctx.params.version).slice(0, 20)}`,
      ),
    );
  button('shadow', 'shadow', async (tx, { version, officer, now }) => {
    await startRun(tx, { kind: 'shadow', version, from: now }, sets);
    await record(tx, { type: 'health.rule_set_shadow', actor: officer.actor, at: now });
  });
  button('sign', 'signed', (tx, { version, officer, now }) =>
    signRuleSet(tx, { version, signer: officer.citizenId, now, actor: officer.actor }),
  );
  button('live', 'live', (tx, { version, officer, now }) =>
    putIntoForce(tx, { version, from: now, now, actor: officer.actor }, sets),
  );
}
