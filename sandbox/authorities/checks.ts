import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { html } from '../html.ts';
import { bodyOf } from './body.ts';
import { type Action, type Check, type Checks, createChecks, isCheckKind, wayBack } from './check.ts';
import { COMMON, DRAWINGS, KINDS } from './check-texts.ts';
import { officer } from './officer.ts';
import { type Lang, languageOf, page } from './page.ts';
import { troubled, type World } from './world.ts';

const startBody = z.object({
  purpose: z.enum(['raise_level', 'recovery', 'registration']).default('raise_level'),
  name: z.string().min(1),
  idNumber: z.string().min(1),
  returnTo: z.url({ protocol: /^https?$/ }),
  state: z.string().min(1),
});
const resultBody = z.object({ reference: z.string().min(1) });
const actBody = z.object({ action: z.enum(['pass', 'fail', 'cancel', 'later']) });

/** Checks on the authority's own pages: start and result from server to server, the page in between. */
export function checks(world: World, url: string): Router {
  const router = new Router();
  const all = createChecks(world);

  router.post('/checks/:kind/start', async (ctx) => {
    const kind = ctx.params.kind ?? '';
    if (!isCheckKind(kind)) return ctx.throw(404, 'no such check');
    const asked = bodyOf(ctx, startBody);
    if (await troubled(ctx, world, kind, world.byDocument(asked.idNumber)?.outcomes[kind])) return;
    const check = all.start(kind, asked);
    ctx.body = { reference: check.reference, redirectTo: `${url}/checks/${kind}/${check.reference}` };
  });

  router.post('/checks/:kind/result', async (ctx) => {
    const kind = ctx.params.kind ?? '';
    if (!isCheckKind(kind)) return ctx.throw(404, 'no such check');
    const { reference } = bodyOf(ctx, resultBody);
    const check = all.find(reference);
    if (await troubled(ctx, world, kind, check?.person?.outcomes[kind])) return;
    ctx.body = resultOf(kind, reference, check);
  });

  router.get('/checks/:kind/:reference', (ctx) => {
    showCheck(ctx, all, all.find(ctx.params.reference ?? ''));
  });

  router.post('/checks/:kind/:reference', (ctx) => {
    const check = all.find(ctx.params.reference ?? '');
    if (!check) return showCheck(ctx, all, check);
    const { action } = bodyOf(ctx, actBody);
    // At a counter the officer decides; the person can only come back or give up.
    all.act(check, check.kind === 'counter' && action !== 'cancel' ? 'later' : action);
    ctx.status = 303;
    ctx.redirect(wayBack(check));
  });

  router.use(officer(all).routes());
  return router;
}

function resultOf(kind: string, reference: string, check: Check | undefined) {
  const nobody = { name: '', idNumber: '', decidedAt: null, live: false };
  const same = { reference, source: kind };
  if (!check || check.kind !== kind)
    return { ...nobody, ...same, outcome: 'failed', reason: 'unknown_reference' };
  const { decision } = check;
  if (!decision || decision.at > new Date()) {
    const { name, idNumber } = check;
    return { ...nobody, ...same, name, idNumber, outcome: 'pending' };
  }
  const { outcome, reason, name, idNumber, at, live } = decision;
  return { ...same, outcome, reason, name, idNumber, decidedAt: at, live };
}

/** Enough for the person to know that it is about them, not enough for a neighbour. */
export const maskedName = (name: string) => {
  const letters = [...name];
  return letters.length < 2
    ? '*'
    : letters[0] + '*'.repeat(letters.length - 2 || 1) + (letters[2] ? letters.at(-1) : '');
};
const maskedNumber = (number: string) =>
  number.slice(0, 4) + '*'.repeat(Math.max(number.length - 8, 1)) + number.slice(-4);

function showCheck(ctx: Context, all: Checks, check: Check | undefined): void {
  const lang = languageOf(ctx);
  const t = COMMON[lang];
  if (!check) {
    ctx.status = 404;
    ctx.body = page(ctx, {
      title: t.gone,
      lang,
      tone: 'desk',
      body: html`<p class="lead">${t.goneNext}</p>`,
    });
    return;
  }
  const texts = KINDS[check.kind][lang];
  const waiting = (check.kind === 'video' || check.kind === 'counter') && !check.decision;
  ctx.body = page(ctx, {
    title: texts.title,
    lang,
    tone: check.kind,
    refreshable: waiting,
    body: html`
      <section class="card">
        ${DRAWINGS[check.kind]}
        <p class="lead">${texts.lead}</p>
        <dl>
          <div><dt>${t.who}</dt><dd>${maskedName(check.name)}</dd></div>
          <div><dt>${t.document}</dt><dd>${maskedNumber(check.idNumber)}</dd></div>
          <div><dt>${t.purpose}</dt><dd>${t.purposes[check.purpose]}</dd></div>
          ${check.kind === 'counter' && html`<div><dt>${t.number}</dt><dd>${check.reference.slice(-6).toUpperCase()}</dd></div>`}
        </dl>
        <ul class="steps">${texts.steps.map((step) => html`<li>${step}</li>`)}</ul>
      </section>
      ${check.decision ? over(check, lang) : choices(check, all.preset(check), lang)}`,
  });
}

function over(check: Check, lang: Lang) {
  const t = COMMON[lang];
  return html`<section class="card">
    <p class="result result-${check.decision?.outcome}" role="status">${t.done} · ${t.outcome[check.decision?.outcome ?? 'cancelled']}</p>
    <a class="button primary" href="${wayBack(check)}">${t.back}</a>
  </section>`;
}

function choices(check: Check, preset: Action, lang: Lang) {
  const t = COMMON[lang];
  const { pass, fail } = KINDS[check.kind][lang];
  const labels: Record<Action, string> = { pass, fail, cancel: t.cancel, later: t.later };
  const counter = check.kind === 'counter';
  const first = counter ? 'later' : preset;
  const others = (counter ? (['cancel'] as const) : (['pass', 'fail', 'later', 'cancel'] as const)).filter(
    (action) => action !== first && (action !== 'later' || check.kind === 'video'),
  );
  return html`<form method="post" class="choices">
    <button class="primary" name="action" value="${first}">${labels[first]}</button>
    ${others.map((action) => html`<button name="action" value="${action}">${labels[action]}</button>`)}
    ${!counter && html`<p class="hint">${t.preset}</p>`}
    ${(check.kind === 'video' || counter) && html`<p class="hint"><a href="/video/officer">${t.desk}</a></p>`}
  </form>`;
}
