import Router from '@koa/router';
import type { Context } from 'koa';
import { html } from '../html.ts';
import { levelOf } from './level.ts';
import { type Lang, LOOK_TEXTS } from './looks.ts';
import { dateOf, languageOf, page } from './page.ts';
import { isAnonymous, type Portal, visitorOf } from './portal.ts';
import { type Login, PlatformUnreachable } from './relying-party.ts';
import { leave } from './sign-in.ts';

/** The front page: public for everybody, and more for those who are logged in. */
export function home(portal: Portal): Router {
  const router = new Router();

  router.get('/', async (ctx) => {
    if (await leftSilently(ctx, portal)) return;
    show(ctx, portal);
  });

  /** What this portal knows of its visitor. For scripts and tests; no tokens. */
  router.get('/session.json', (ctx) => {
    const { login } = visitorOf(portal, ctx);
    ctx.set('cache-control', 'no-store');
    ctx.body = login
      ? {
          state: isAnonymous(login) ? 'visitor' : 'signed-in',
          sub: login.sub,
          acr: login.acr,
          achieved_acr: login.achievedAcr,
          amr: login.amr,
          auth_time: login.authTime?.toISOString() ?? null,
        }
      : { state: 'public' };
  });
  return router;
}

/**
 * Tries to sign in without asking: city A as an anonymous visitor (a citizen who is logged in elsewhere comes
 * back as that citizen), city B with `prompt=none`. Departments wait until they are asked.
 *
 * It never loops: a failure is marked in the session for one page, and a browser that has not yet shown that it
 * keeps our cookie is not sent at all. It would get stuck at the platform, which needs cookies too.
 */
async function leftSilently(ctx: Context, portal: Portal): Promise<boolean> {
  const { look } = portal.settings;
  if (look !== 'city-a' && look !== 'city-b') return false;
  const { session, login } = visitorOf(portal, ctx);
  if (login || ctx.method !== 'GET') return false;
  if (!session) {
    if (ctx.query.visitor !== undefined) return false;
    portal.sessions.open(ctx);
    ctx.set('cache-control', 'no-store');
    ctx.status = 303;
    ctx.redirect(`/?${new URLSearchParams({ ...ctx.query, visitor: '1' })}`);
    return true;
  }
  if (session.skipSilent) {
    session.skipSilent = false;
    return false;
  }
  try {
    await leave(
      ctx,
      portal,
      portal.main,
      look === 'city-a'
        ? { kind: 'anonymous', returnTo: '/', preferred: 'anonymous' }
        : { kind: 'silent', returnTo: '/', prompt: 'none' },
    );
    return true;
  } catch (error) {
    if (error instanceof PlatformUnreachable) return false;
    throw error;
  }
}

function show(ctx: Context, portal: Portal): void {
  const lang = languageOf(ctx, portal);
  const { look, links } = portal.settings;
  const own = LOOK_TEXTS[look][lang];
  const t = TEXTS[lang];
  const { login } = visitorOf(portal, ctx);
  page(ctx, portal, {
    body: html`
      <section class="hero"><h1>${own.motto}</h1><p class="lead">${own.lead}</p></section>
      ${standing(login, lang)}
      <section><h2>${t.services}</h2>
        <ul class="services">${own.services.map(
          ({ name, about, to: [where, path] }) =>
            html`<li><a href="${where === look ? path : links[where] + path}"><strong>${name}</strong><span>${about}</span></a></li>`,
        )}</ul>
      </section>
      <section><h2>${t.notices}</h2>
        <ul class="notices">${own.notices.map(({ date, text }) => html`<li><time>${date}</time><span>${text}</span></li>`)}</ul>
      </section>`,
  });
}

/** Who the platform says is here, in words. */
function standing(login: Login | undefined, lang: Lang) {
  const t = TEXTS[lang];
  if (!login) return html`<section class="panel who"><p>${t.public}</p></section>`;
  const level = levelOf(login.acr) ?? 'anonymous';
  const badge = html`<span class="level level-${level}">${t.levels[level]}</span>`;
  if (isAnonymous(login)) {
    return html`<section class="panel who" data-acr="${login.acr}">
      <p><strong>${t.visitor}</strong> ${badge}</p><p>${t.visitorText}</p>
      <p><code>${login.acr}</code></p>
    </section>`;
  }
  return html`<section class="panel who" data-acr="${login.acr}">
    <p><strong>${t.welcome}</strong> ${badge}</p>
    <dl>
      <div><dt>${t.sub}</dt><dd><code>${login.sub.slice(0, 8)}…</code></dd></div>
      <div><dt>${t.level}</dt><dd>${t.levels[level]} <code>${login.acr}</code></dd></div>
      <div><dt>${t.since}</dt><dd>${login.authTime ? dateOf(login.authTime, lang) : '—'}</dd></div>
      <div><dt>${t.methods}</dt><dd>${login.amr.map((method) => t.amr[method] ?? method).join(t.and) || '—'}</dd></div>
    </dl>
    ${level === 'basic' && html`<p><a href="/login?level=intermediate">${t.raise}</a></p>`}
  </section>`;
}

interface HomeTexts {
  services: string;
  notices: string;
  public: string;
  visitor: string;
  visitorText: string;
  welcome: string;
  sub: string;
  level: string;
  since: string;
  methods: string;
  /** Between the words of a list. */
  and: string;
  raise: string;
  levels: Record<string, string>;
  amr: Record<string, string>;
}

const TEXTS: Record<Lang, HomeTexts> = {
  'zh-CN': {
    services: '常用服务',
    notices: '公开信息',
    public: '您正在浏览公开信息，无需登录。',
    visitor: '访客，您好',
    visitorText: '您正以匿名访客身份浏览，我们不知道您是谁。办理业务时请登录。',
    welcome: '您好，您已登录',
    sub: '本站用户标识',
    level: '认证等级',
    since: '认证时间',
    methods: '认证方式',
    and: '、',
    raise: '提升为中级',
    levels: { anonymous: '匿名', basic: '初级', intermediate: '中级', advanced: '高级' },
    amr: {
      pwd: '密码',
      sms: '短信',
      otp: '动态口令',
      face: '人脸',
      vbm: '声纹',
      mfa: '多因素',
      hwk: '通行密钥',
      swk: '通行密钥',
      pop: '密钥',
      user: '本人在场',
    },
  },
  en: {
    services: 'Services',
    notices: 'Public information',
    public: 'You are browsing public information. No login is needed.',
    visitor: 'Welcome, visitor',
    visitorText: 'You are browsing anonymously: we do not know who you are. Log in when you need a service.',
    welcome: 'Welcome, you are logged in',
    sub: 'Your identifier here',
    level: 'Level',
    since: 'Authenticated',
    methods: 'By',
    and: ', ',
    raise: 'Raise to intermediate',
    levels: { anonymous: 'anonymous', basic: 'basic', intermediate: 'intermediate', advanced: 'advanced' },
    amr: {
      pwd: 'password',
      sms: 'SMS',
      otp: 'one-time password',
      face: 'face',
      vbm: 'voice',
      mfa: 'several factors',
      hwk: 'passkey',
      swk: 'passkey',
      pop: 'key',
      user: 'presence',
    },
  },
};
