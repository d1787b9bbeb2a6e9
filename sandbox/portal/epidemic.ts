import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { html } from '../html.ts';
import { errorPage } from './error-page.ts';
import type { Lang } from './looks.ts';
import { dateOf, languageOf, page } from './page.ts';
import type { Portal } from './portal.ts';
import type { Login, RelyingParty } from './relying-party.ts';
import { leaveOrExplain } from './sign-in.ts';

const colours = ['green', 'yellow', 'red', 'grey'] as const;
const healthCode = z.object({
  colour: z.string().transform((word) => colours.find((colour) => colour === word.toLowerCase())),
  region: z.string().optional(),
  assessed_at: z.coerce.date().optional(),
  valid_until: z.coerce.date().optional(),
  ruleset: z.string().optional(),
});
type HealthCode = z.infer<typeof healthCode>;

/**
 * The epidemic-prevention page is a client of its own, for the single purpose `epidemic_prevention`: its
 * subject cannot be joined with the portal's, and the portal never sees a colour.
 */
export function epidemic(portal: Portal): Router {
  const router = new Router();
  const party = portal.epidemic;
  if (!party) return router;

  router.get('/epidemic', async (ctx) => {
    const login = portal.sessions.of(ctx)?.logins.get(party.clientId);
    if (!login || login.until <= new Date()) return ask(ctx, portal, party);
    const code = await codeOf(party, login);
    if (code === 'refused') return ask(ctx, portal, party);
    if (code === 'unreachable')
      return errorPage(ctx, portal, { code: 'platform_unreachable', again: '/epidemic' });
    show(ctx, portal, code);
  });
  return router;
}

const ask = (ctx: Context, portal: Portal, party: RelyingParty) =>
  leaveOrExplain(ctx, portal, party, { kind: 'login', returnTo: '/epidemic', scope: 'openid health_code' });

/** Asked anew for every page: a colour is never kept. */
async function codeOf(
  party: RelyingParty,
  login: Login,
): Promise<HealthCode | 'absent' | 'refused' | 'unreachable'> {
  try {
    const { health_code: claim } = await party.userinfo(login);
    const parsed = healthCode.safeParse(claim);
    return parsed.success && parsed.data.colour ? parsed.data : 'absent';
  } catch (error) {
    // 401: the session behind the token has ended since.
    const status = error instanceof Error && 'status' in error ? error.status : undefined;
    return status === 401 ? 'refused' : 'unreachable';
  }
}

function show(ctx: Context, portal: Portal, code: HealthCode | 'absent'): void {
  const lang = languageOf(ctx, portal);
  const t = TEXTS[lang];
  const issuer = portal.settings.issuer.replace(/\/$/, '');
  const declare = html`<p class="ways"><a class="button primary" href="${issuer}/health/declare">${t.declare}</a>
    <a class="button" href="/epidemic">${t.again}</a></p>`;
  const body =
    code === 'absent' || !code.colour
      ? html`<section class="panel health" data-colour="none">
          <h1>${t.absent}</h1><p class="lead">${t.absentText}</p>${declare}
        </section>`
      : html`<section class="panel health colour-${code.colour}" data-colour="${code.colour}">
          <p class="code-word"><span>${t.colours[code.colour].word}</span></p>
          <h1>${t.colours[code.colour].title}</h1>
          <p class="lead">${t.colours[code.colour].text}</p>
          <dl>
            ${code.region && html`<div><dt>${t.region}</dt><dd>${REGIONS[lang][code.region] ?? code.region}</dd></div>`}
            ${code.assessed_at && html`<div><dt>${t.assessed}</dt><dd>${dateOf(code.assessed_at, lang)}</dd></div>`}
            ${code.valid_until && html`<div><dt>${t.until}</dt><dd>${dateOf(code.valid_until, lang)}</dd></div>`}
            ${code.ruleset && html`<div><dt>${t.ruleset}</dt><dd>${code.ruleset}</dd></div>`}
          </dl>
          ${code.colour === 'grey' && declare}
        </section>`;
  page(ctx, portal, {
    title: t.title,
    body: html`${body}<section><h2>${t.privacy}</h2><p>${t.privacyText}</p></section>`,
  });
}

/** The regions of the sandbox's province, GB/T 2260. */
const REGIONS: Record<Lang, Record<string, string>> = {
  'zh-CN': { 390000: '示例省', 390100: '示例省甲市', 390200: '示例省乙市' },
  en: { 390000: 'Example Province', 390100: 'City A', 390200: 'City B' },
};

interface EpidemicTexts {
  title: string;
  colours: Record<(typeof colours)[number], { word: string; title: string; text: string }>;
  absent: string;
  absentText: string;
  declare: string;
  again: string;
  region: string;
  assessed: string;
  until: string;
  ruleset: string;
  privacy: string;
  privacyText: string;
}

const TEXTS: Record<Lang, EpidemicTexts> = {
  'zh-CN': {
    title: '疫情防控专页',
    colours: {
      green: { word: '绿码', title: '当前为绿码', text: '可正常通行，请继续做好个人防护。' },
      yellow: { word: '黄码', title: '当前为黄码', text: '请按要求每日健康打卡，满足条件后自动转绿。' },
      red: { word: '红码', title: '当前为红码', text: '请按当地要求隔离并联系社区；如有异议可以申诉。' },
      grey: { word: '灰码', title: '尚未申领', text: '灰码不代表有风险，仅表示尚未申报。' },
    },
    absent: '暂时没有健康码信息',
    absentText: '可能是您尚未申报、没有同意提供，或健康码功能当前未启用。没有健康码不代表有风险。',
    declare: '去申报健康状况',
    again: '重新查询',
    region: '签发地区',
    assessed: '评估时间',
    until: '有效至',
    ruleset: '规则版本',
    privacy: '您的信息',
    privacyText: '本页只为疫情防控这一用途查询颜色，不保存结果；每次查询都会记入您在一码通的查阅记录。',
  },
  en: {
    title: 'Epidemic prevention',
    colours: {
      green: {
        word: 'GREEN',
        title: 'Your code is green',
        text: 'You may pass. Please keep protecting yourself and others.',
      },
      yellow: {
        word: 'YELLOW',
        title: 'Your code is yellow',
        text: 'Check in every day; it turns green by itself when the conditions are met.',
      },
      red: {
        word: 'RED',
        title: 'Your code is red',
        text: 'Please isolate as your community asks. If you disagree, you can appeal.',
      },
      grey: {
        word: 'GREY',
        title: 'Not applied for yet',
        text: 'Grey is no risk: it only says that nothing was declared.',
      },
    },
    absent: 'There is no health code to show',
    absentText:
      'You may not have declared yet, not have agreed to share it, or the health code is not in force. Having none is no risk.',
    declare: 'Declare my health',
    again: 'Ask again',
    region: 'Region',
    assessed: 'Assessed',
    until: 'Valid until',
    ruleset: 'Rule set',
    privacy: 'Your data',
    privacyText:
      'This page asks for the colour for epidemic prevention only and keeps nothing. Every question is listed in your access log at Yimatong.',
  },
};
