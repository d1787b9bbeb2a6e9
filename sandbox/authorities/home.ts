import { readFileSync } from 'node:fs';
import Router from '@koa/router';
import { html } from '../html.ts';
import { languageOf, page } from './page.ts';
import type { World } from './world.ts';

const css = readFileSync(new URL('./style.css', import.meta.url));

export function styles(): Router {
  const router = new Router();
  router.get('/style.css', (ctx) => {
    ctx.type = 'css';
    ctx.body = css;
  });
  return router;
}

/** What is here, and who lives in the sandbox. */
export function home(world: World): Router {
  const router = new Router();
  router.get('/', (ctx) => {
    const lang = languageOf(ctx);
    const t = TEXTS[lang];
    ctx.body = page(ctx, {
      title: t.title,
      lang,
      tone: 'desk',
      body: html`
        <p class="lead">${t.lead}</p>
        <p class="pair"><a class="button primary" href="/sms">${t.sms}</a> <a class="button" href="/video/officer">${t.desk}</a>
          <a class="button" href="/health-sources">${t.sources}</a></p>
        <h2>${t.people}</h2>
        <div class="scroll" tabindex="0" role="region" aria-label="${t.people}"><table>
          <thead><tr>${t.columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
          <tbody>${world.people.map(
            (person) => html`<tr>
              <th scope="row">${person.name}</th>
              <td>${t.levels[person.level ?? 'none']}</td>
              <td>${lang === 'en' ? person.shows.en : person.shows.zh}</td>
              <td><code>${person.username}</code></td>
              <td><code>${person.id_number}</code></td>
              <td><code>${person.phone}</code></td>
              <td><code>${person.password ?? '—'}</code></td>
              <td><code>${person.fixed_code ?? '—'}</code></td>
            </tr>`,
          )}</tbody>
        </table></div>`,
    });
  });
  return router;
}

const TEXTS = {
  'zh-CN': {
    title: '模拟机构',
    lead: '这里扮演公安、出入境、运营商、发卡机构、人脸与视频核验等外部机构。',
    sms: '短信收件箱',
    desk: '人工核验工作台',
    sources: '健康数据来源',
    people: '演示人物',
    columns: ['姓名', '等级', '演示什么', '用户名', '证件号码', '手机号', '密码', '验证码'],
    levels: {
      anonymous: '匿名（导入）',
      basic: '初级',
      intermediate: '中级',
      advanced: '高级',
      none: '未注册',
    },
  },
  en: {
    title: 'Simulated authorities',
    lead: 'This plays the police, entry-exit, carriers, card issuers, and face and video checks.',
    sms: 'Message inbox',
    desk: 'Officer’s desk',
    sources: 'Sources of health data',
    people: 'Sandbox people',
    columns: ['Name', 'Level', 'Shows', 'User name', 'Document', 'Phone', 'Password', 'Code'],
    levels: {
      anonymous: 'anonymous (imported)',
      basic: 'basic',
      intermediate: 'intermediate',
      advanced: 'advanced',
      none: 'not registered',
    },
  },
} as const;
