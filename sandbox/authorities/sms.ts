import Router from '@koa/router';
import { z } from 'zod';
import { html } from '../html.ts';
import { bodyOf } from './body.ts';
import { languageOf, page, timeOf } from './page.ts';
import { localPhone, newReference, troubled, type World } from './world.ts';

export interface SmsMessage {
  to: string;
  text: string;
  /** The code in the text, if there is one. */
  code: string | null;
  /** ISO time. */
  at: string;
}

/** More than any demonstration sends; the oldest go first. */
const KEPT = 2_000;

const message = z.object({ to: z.string().min(1), text: z.string().min(1).max(1_000) });

/** The gateway, and the telephones of the whole province in one inbox. */
export function sms(world: World): Router {
  const router = new Router();
  let inbox: SmsMessage[] = [];
  const received = (phone: unknown) =>
    typeof phone === 'string' && phone !== ''
      ? inbox.filter((each) => localPhone(each.to) === localPhone(phone))
      : inbox;

  router.post('/sms/send', async (ctx) => {
    const { to, text } = bodyOf(ctx, message);
    if (await troubled(ctx, world, 'sms', world.byPhone(to)?.outcomes.sms)) return;
    const code = /(?<!\d)\d{6}(?!\d)/.exec(text)?.[0] ?? null;
    inbox = [{ to, text, code, at: new Date().toISOString() }, ...inbox].slice(0, KEPT);
    ctx.body = { reference: newReference('sms') };
  });

  router.get('/sms.json', (ctx) => {
    ctx.set('cache-control', 'no-store');
    ctx.body = received(ctx.query.phone);
  });

  router.get('/sms', (ctx) => {
    const lang = languageOf(ctx);
    const t = TEXTS[lang];
    const phone = typeof ctx.query.phone === 'string' ? ctx.query.phone : '';
    const messages = received(phone).slice(0, 100);
    ctx.body = page(ctx, {
      title: t.title,
      lang,
      tone: 'sms',
      refreshable: true,
      body: html`
        <p class="lead">${t.lead}</p>
        <form class="search" method="get" action="/sms">
          <label for="phone">${t.phone}</label>
          <input id="phone" name="phone" inputmode="tel" value="${phone}">
          <button class="primary">${t.filter}</button>
        </form>
        ${messages.length === 0 && html`<p class="empty">${t.empty}</p>`}
        <ol class="messages">${messages.map(
          (each) => html`<li>
            <p class="meta"><span>${each.to}${nameOf(world, each.to)}</span><time datetime="${each.at}">${timeOf(each.at, lang)}</time></p>
            <p class="bubble">${each.text}</p>
            ${each.code && html`<p class="code">${each.code}</p>`}
          </li>`,
        )}</ol>`,
    });
  });
  return router;
}

const nameOf = (world: World, phone: string) => {
  const person = world.byPhone(phone);
  return person ? ` · ${person.name}` : '';
};

const TEXTS = {
  'zh-CN': {
    title: '短信收件箱',
    lead: '演示环境不会真的发送短信，所有短信都收在这里，最新的在最前。',
    phone: '手机号',
    filter: '只看此号码',
    empty: '还没有短信。',
  },
  en: {
    title: 'Message inbox',
    lead: 'The sandbox sends nothing to real telephones: every message arrives here, newest first.',
    phone: 'Mobile number',
    filter: 'Show this number',
    empty: 'No messages yet.',
  },
} as const;
