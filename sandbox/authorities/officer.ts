import Router from '@koa/router';
import { z } from 'zod';
import { html } from '../html.ts';
import { bodyOf } from './body.ts';
import type { Check, Checks } from './check.ts';
import { type Lang, languageOf, page, timeOf } from './page.ts';

const verdict = z.object({ action: z.enum(['accept', 'refuse']) });

/** The desk of the officer who answers video calls and sees people at a counter. */
export function officer(checks: Checks): Router {
  const router = new Router();

  router.get('/video/officer', (ctx) => {
    const lang = languageOf(ctx);
    const t = TEXTS[lang];
    const calls = checks.calls();
    const open = calls.filter(({ decision }) => !decision);
    const over = calls.filter(({ decision }) => decision).slice(0, 20);
    ctx.body = page(ctx, {
      title: t.title,
      lang,
      tone: 'desk',
      refreshable: true,
      body: html`
        <h2>${t.waiting}（${open.length}）</h2>
        ${open.length === 0 && html`<p class="empty">${t.nobody}</p>`}
        <ul class="calls">${open.map((check) => call(check, lang))}</ul>
        <h2>${t.over}</h2>
        ${over.length === 0 && html`<p class="empty">${t.none}</p>`}
        <ul class="calls">${over.map(
          ({ name, decision }) => html`<li class="card"><p class="meta"><span>${name}</span>
            <span class="result-${decision?.outcome}">${t.outcome[decision?.outcome ?? 'cancelled']}</span></p></li>`,
        )}</ul>`,
    });
  });

  router.post('/video/officer/:reference', (ctx) => {
    const check = checks.calls().find(({ reference }) => reference === ctx.params.reference);
    if (!check) return ctx.throw(404, 'no such call');
    checks.act(check, bodyOf(ctx, verdict).action === 'accept' ? 'pass' : 'fail');
    ctx.status = 303;
    ctx.redirect('/video/officer');
  });
  return router;
}

function call(check: Check, lang: Lang) {
  const t = TEXTS[lang];
  return html`<li class="card">
    <p class="meta"><strong>${check.name}</strong><time>${timeOf(check.startedAt.toISOString(), lang)}</time></p>
    <p class="meta"><span>${check.idNumber}</span><span>${check.kind === 'counter' ? t.counter : check.left ? t.left : t.online}</span></p>
    <form method="post" action="/video/officer/${check.reference}" class="pair">
      <button class="primary" name="action" value="accept">${t.accept}<span class="unseen"> ${check.name}</span></button>
      <button name="action" value="refuse">${t.refuse}<span class="unseen"> ${check.name}</span></button>
    </form>
  </li>`;
}

const TEXTS = {
  'zh-CN': {
    title: '人工核验工作台',
    counter: '到窗口',
    waiting: '等候接听',
    nobody: '现在没有人等候。',
    over: '最近办结',
    none: '还没有办结的通话。',
    online: '在线等候',
    left: '已离开，稍后告知',
    accept: '核对无误，通过',
    refuse: '拒绝',
    outcome: { passed: '已通过', failed: '已拒绝', cancelled: '本人取消' },
  },
  en: {
    title: 'Officer’s desk',
    counter: 'at the counter',
    waiting: 'Waiting',
    nobody: 'Nobody is waiting.',
    over: 'Recently decided',
    none: 'No calls decided yet.',
    online: 'on the line',
    left: 'has left, hears later',
    accept: 'Accept',
    refuse: 'Refuse',
    outcome: { passed: 'accepted', failed: 'refused', cancelled: 'cancelled by the person' },
  },
} as const;
