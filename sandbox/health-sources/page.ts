import { randomUUID } from 'node:crypto';
import Router from '@koa/router';
import { z } from 'zod';
import { bodyOf } from '../authorities/body.ts';
import { languageOf, page, timeOf } from '../authorities/page.ts';
import type { World } from '../authorities/world.ts';
import { html } from '../html.ts';
import { FACTS } from './facts.ts';
import { type AnswerLine, createSource, type Source, type SourceName } from './source.ts';

const telling = z.object({
  id_number: z.string(),
  fact: z.coerce
    .number()
    .int()
    .min(0)
    .max(FACTS.length - 1),
  days_ago: z.coerce.number().int().min(0).max(13),
});

interface Told {
  id: string;
  at: Date;
  name: string;
  fact: number;
  row: Record<string, unknown>;
  takenBack: boolean;
  answer: AnswerLine | undefined;
}

/** The desk at which a developer plays every source: picks a person and what is to be said of them. */
export function healthSources(world: World, issuer: string): Router {
  const router = new Router();
  const sources = new Map<SourceName, Source>();
  const told: Told[] = [];
  const sourceOf = (name: SourceName): Source => {
    const source = sources.get(name) ?? createSource(issuer, name);
    sources.set(name, source);
    return source;
  };

  router.get('/health-sources', (ctx) => {
    const lang = languageOf(ctx);
    const t = TEXTS[lang];
    const what = (fact: number) => (lang === 'en' ? FACTS[fact]!.en : FACTS[fact]!.zh);
    ctx.body = page(ctx, {
      title: t.title,
      lang,
      tone: 'desk',
      body: html`
        <p class="lead">${t.lead}</p>
        <form method="post" class="card fields">
          <label>${t.person}<select name="id_number">${world.people.map(
            (person) =>
              html`<option value="${person.id_number}">${person.name} · ${lang === 'en' ? person.shows.en : person.shows.zh}</option>`,
          )}</select></label>
          <label>${t.fact}<select name="fact">${FACTS.map((_, n) => html`<option value="${n}">${what(n)}</option>`)}</select></label>
          <label>${t.daysAgo}<input name="days_ago" type="number" min="0" max="13" value="0" required></label>
          <button class="primary" name="action" value="continue">${t.send}</button>
        </form>
        <h2>${t.told}</h2>
        ${told.length === 0 && html`<p class="empty">${t.none}</p>`}
        <ul class="calls">${told.map(
          (each) => html`<li class="card">
            <p class="meta"><strong>${each.name}</strong><time>${timeOf(each.at.toISOString(), lang)}</time></p>
            <p class="meta"><span>${what(each.fact)}</span>
              <span>${each.takenBack ? t.takenBack : each.answer?.outcome === 'complete' ? t.taken : `${t.refused} ${each.answer?.message ?? each.answer?.error_description ?? ''}`}</span></p>
            ${
              !each.takenBack &&
              each.answer?.outcome === 'complete' &&
              html`<form method="post" action="/health-sources/${each.id}/take-back" class="pair">
                <button name="action" value="take_back">${t.takeBack}<span class="unseen"> ${each.name}</span></button>
              </form>`
            }
          </li>`,
        )}</ul>`,
    });
  });

  router.post('/health-sources', async (ctx) => {
    const { id_number, fact, days_ago } = bodyOf(ctx, telling);
    const person = world.byDocument(id_number);
    const chosen = FACTS[fact];
    if (!person || !chosen) return ctx.throw(404, 'no such person');
    const at = new Date(Date.now() - days_ago * 86_400_000);
    const id = randomUUID();
    const row = {
      reference: id,
      idNumber: person.id_number,
      type: chosen.type,
      at: at.toISOString(),
      purpose: 'epidemic_prevention',
      ...chosen.more?.(at.toISOString()),
    };
    const answer = await sourceOf(chosen.source).send([row], id, languageOf(ctx));
    const line = answer.find(({ outcome }) => outcome === 'refused') ?? answer.at(-1);
    told.unshift({ id, at: new Date(), name: person.name, fact, row, takenBack: false, answer: line });
    told.splice(50);
    ctx.status = 303;
    ctx.redirect('/health-sources');
  });

  router.post('/health-sources/:id/take-back', async (ctx) => {
    const known = told.find(({ id }) => id === ctx.params.id);
    if (!known) return ctx.throw(404, 'nothing was told under this name');
    const source = sourceOf(FACTS[known.fact]!.source);
    const answer = await source.send([{ ...known.row, revokedAt: new Date().toISOString() }]);
    known.takenBack = answer.at(-1)?.outcome === 'complete';
    ctx.status = 303;
    ctx.redirect('/health-sources');
  });
  return router;
}

const TEXTS = {
  'zh-CN': {
    title: '健康数据来源',
    lead: '这里扮演医院、疾控、交通、通信等数据来源：选一个人物，选一件事，发送给平台。先让人物完成健康申报，颜色才会出现。',
    person: '人物',
    fact: '事情',
    daysAgo: '几天前',
    send: '发送',
    told: '已发送',
    none: '还没有发送过。',
    taken: '平台已收下',
    refused: '平台拒收：',
    takenBack: '已撤回',
    takeBack: '撤回',
  },
  en: {
    title: 'Sources of health data',
    lead: 'This plays the hospital, the CDC, transport, telecom and the rest: pick a person and what is to be said of them. A colour shows once the person has declared.',
    person: 'Person',
    fact: 'What',
    daysAgo: 'Days ago',
    send: 'Send',
    told: 'Sent',
    none: 'Nothing has been sent.',
    taken: 'taken by the platform',
    refused: 'refused by the platform:',
    takenBack: 'taken back',
    takeBack: 'Take back',
  },
} as const;
