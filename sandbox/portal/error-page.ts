import { randomUUID } from 'node:crypto';
import type { Context } from 'koa';
import { html } from '../html.ts';
import type { Lang } from './looks.ts';
import { languageOf, page } from './page.ts';
import type { Portal } from './portal.ts';

interface ErrorTexts {
  title: string;
  happened: string;
  next: string;
}

/** Ways on that a page can offer. */
type Way = 'again' | 'switch' | 'account' | 'home';

export interface ErrorOptions {
  code: string;
  /** Where "try again" leads; the front page if there is nothing to repeat. */
  again?: string;
}

const STATUS: Record<string, number> = {
  unmet_authentication_requirements: 403,
  level_too_low: 403,
  access_denied: 403,
  login_required: 401,
  platform_unreachable: 503,
  not_found: 404,
};

/** Says what happened, what to do, and a reference to quote on the phone. */
export function errorPage(ctx: Context, portal: Portal, { code, again = '/' }: ErrorOptions): void {
  const lang = languageOf(ctx, portal);
  const texts = TEXTS[lang];
  const t = texts.errors[code] ?? texts.errors.other!;
  const reference = randomUUID().slice(0, 8).toUpperCase();
  // The code and nothing else: what the browser brought may hold more than a log should.
  process.stderr.write(`${portal.settings.look}: ${reference} ${code}\n`);
  const issuer = portal.settings.issuer.replace(/\/$/, '');
  const links: Record<Way, string> = {
    again,
    switch: `/login?prompt=login&to=${encodeURIComponent(again)}`,
    account: `${issuer}/account`,
    home: '/',
  };
  const ways = WAYS[code] ?? (['again', 'home'] as const);
  page(ctx, portal, {
    title: t.title,
    status: STATUS[code] ?? 400,
    error: code,
    body: html`<section class="panel error">
      <h1>${t.title}</h1>
      <p class="lead">${t.happened}</p>
      <p>${t.next}</p>
      <p class="ways">${ways.map(
        (way, index) =>
          html`<a class="button ${index === 0 ? 'primary' : ''}" href="${links[way]}">${texts.ways[way]}</a>`,
      )}</p>
      <p class="reference">${texts.reference} <code>${reference}</code> <code>${code}</code></p>
    </section>`,
  });
}

const WAYS: Record<string, readonly Way[]> = {
  unmet_authentication_requirements: ['again', 'account', 'switch', 'home'],
  level_too_low: ['again', 'account', 'switch', 'home'],
  access_denied: ['again', 'switch', 'home'],
  not_found: ['home'],
};

const TEXTS: Record<
  Lang,
  { ways: Record<Way, string>; reference: string; errors: Record<string, ErrorTexts> }
> = {
  'zh-CN': {
    ways: { again: '重新尝试', switch: '换一个账号登录', account: '查看我的认证等级', home: '返回首页' },
    reference: '咨询时请提供编号',
    errors: {
      unmet_authentication_requirements: {
        title: '认证等级不够',
        happened: '办理这项业务需要更高的认证等级，本次没有达到。',
        next: '您可以重新尝试并完成核验，也可以到“一码通”查看提升等级的办法，或换一个账号登录。',
      },
      level_too_low: {
        title: '认证等级不够',
        happened: '“一码通”告知的认证等级低于这项业务的要求。',
        next: '请重新尝试并按提示完成核验。',
      },
      access_denied: {
        title: '您没有同意授权',
        happened: '您取消了登录，或没有同意提供所需的信息。',
        next: '公开信息仍可浏览；需要办理业务时，可以随时重新登录。',
      },
      login_required: { title: '需要登录', happened: '您还没有登录。', next: '请登录后继续。' },
      login_expired: {
        title: '登录已过期',
        happened: '这次登录用时过长，或已在另一个页面完成。',
        next: '请重新登录；如果反复出现，请检查浏览器是否允许使用 Cookie。',
      },
      platform_unreachable: {
        title: '暂时无法登录',
        happened: '“一码通”暂时没有应答。',
        next: '请稍后再试；公开信息不受影响。',
      },
      not_found: { title: '没有这个页面', happened: '您访问的页面不存在。', next: '请从首页重新进入。' },
      other: {
        title: '登录没有完成',
        happened: '登录过程中出现问题，您的信息没有丢失。',
        next: '请重新尝试；如仍不成功，请联系我们并提供下面的编号。',
      },
    },
  },
  en: {
    ways: { again: 'Try again', switch: 'Use another account', account: 'See my level', home: 'Front page' },
    reference: 'Quote this number when you call:',
    errors: {
      unmet_authentication_requirements: {
        title: 'A higher level is needed',
        happened: 'This service needs a higher level of assurance, which was not reached.',
        next: 'Try again and complete the check, see at Yimatong how to raise your level, or use another account.',
      },
      level_too_low: {
        title: 'A higher level is needed',
        happened: 'The level that Yimatong told us is below what this service needs.',
        next: 'Please try again and complete the check.',
      },
      access_denied: {
        title: 'You did not agree',
        happened: 'You cancelled the login, or did not agree to share what was asked.',
        next: 'Public information stays open to you, and you can log in at any time.',
      },
      login_required: { title: 'Login needed', happened: 'You are not logged in.', next: 'Log in to go on.' },
      login_expired: {
        title: 'This login has expired',
        happened: 'It took too long, or was finished in another tab.',
        next: 'Please log in again. If this keeps happening, check that your browser accepts cookies.',
      },
      platform_unreachable: {
        title: 'Login is not possible just now',
        happened: 'Yimatong does not answer.',
        next: 'Please try again later. Public information is not affected.',
      },
      not_found: {
        title: 'No such page',
        happened: 'There is nothing here.',
        next: 'Start from the front page.',
      },
      other: {
        title: 'The login was not completed',
        happened: 'Something went wrong on the way. Nothing of yours is lost.',
        next: 'Please try again, or contact us and quote the number below.',
      },
    },
  },
};
