import { createHash } from 'node:crypto';
import Router from '@koa/router';
import type { Context } from 'koa';
import { type Html, html } from '../html.ts';
import { DEPARTMENT_TEXTS } from './department-texts.ts';
import { errorPage } from './error-page.ts';
import { type Level, reaches } from './level.ts';
import { dateOf, languageOf, page } from './page.ts';
import { PENSION_RESOURCE, PENSION_SCOPE, type Pension, pensionOf } from './pension-api.ts';
import { type Portal, visitorOf } from './portal.ts';
import type { Login } from './relying-party.ts';
import { leaveOrExplain } from './sign-in.ts';

interface Need {
  level: Level;
  resource?: string;
}

/**
 * The login, if it is good enough for this page now; otherwise the browser is on its way to the platform.
 * The level counts while the access token lives: it ends with the proof behind the level, so an advanced
 * page closes when the live check grows old, without this portal knowing any rule about that.
 */
async function demand(ctx: Context, portal: Portal, { level, resource }: Need): Promise<Login | undefined> {
  const { login } = visitorOf(portal, ctx);
  if (login && reaches(login.acr, level) && login.until > new Date() && login.resource === resource)
    return login;
  await leaveOrExplain(ctx, portal, portal.main, {
    kind: 'login',
    returnTo: ctx.path,
    required: level,
    resource,
    scope: resource ? `openid ${PENSION_SCOPE}` : 'openid',
    formPost: portal.settings.look === 'tax',
  });
  return undefined;
}

/** Pages that ask for a level: the social security department's and the tax bureau's. */
export function department(portal: Portal): Router {
  const router = new Router();
  const { look } = portal.settings;

  if (look === 'hrss') {
    router.get('/pension', async (ctx) => {
      const login = await demand(ctx, portal, { level: 'intermediate', resource: PENSION_RESOURCE });
      if (!login) return;
      const pension = await fetchPension(portal, login);
      if (pension === 'refused') {
        // The level or the session ended since; the next visit asks the platform again.
        login.until = new Date(0);
        return errorPage(ctx, portal, { code: 'level_too_low', again: '/pension' });
      }
      if (pension === 'unreachable') {
        return errorPage(ctx, portal, { code: 'platform_unreachable', again: '/pension' });
      }
      const t = DEPARTMENT_TEXTS[languageOf(ctx, portal)];
      showRecord(ctx, portal, login, t.pension.title, [
        [t.pension.months, `${pension.months}`],
        [t.pension.balance, t.yuan(pension.balance)],
        [t.pension.monthly, t.yuan(pension.monthly)],
      ]);
    });

    router.get('/certificate', async (ctx) => {
      const login = await demand(ctx, portal, { level: 'advanced' });
      if (!login) return;
      const t = DEPARTMENT_TEXTS[languageOf(ctx, portal)];
      const { months } = pensionOf(login.sub);
      showRecord(ctx, portal, login, t.certificate.title, [
        [t.certificate.number, numberOf(login.sub, 'certificate')],
        [t.certificate.content, t.certificate.text(months)],
        [t.certificate.issued, dateOf(new Date(), languageOf(ctx, portal))],
      ]);
    });
  }

  if (look === 'tax') {
    router.get('/income', async (ctx) => {
      const login = await demand(ctx, portal, { level: 'intermediate' });
      if (!login) return;
      const t = DEPARTMENT_TEXTS[languageOf(ctx, portal)];
      const { monthly } = pensionOf(login.sub);
      showRecord(ctx, portal, login, t.income.title, [
        [t.income.file, numberOf(login.sub, 'tax')],
        [t.income.income, t.yuan(monthly * 26)],
        [t.income.paid, t.yuan(Math.round(monthly * 0.7))],
      ]);
    });
  }
  return router;
}

/** Through its own API, as any other program would. */
async function fetchPension(portal: Portal, login: Login): Promise<Pension | 'refused' | 'unreachable'> {
  try {
    const response = await fetch(`${portal.settings.origin}/api/pension`, {
      headers: { authorization: `Bearer ${login.accessToken}` },
      signal: AbortSignal.timeout(8_000),
    });
    if (response.status === 401 || response.status === 403) return 'refused';
    return response.ok ? ((await response.json()) as Pension) : 'unreachable';
  } catch {
    return 'unreachable';
  }
}

const numberOf = (sub: string, purpose: string) =>
  createHash('sha256').update(`${purpose} ${sub}`).digest('hex').slice(0, 12).toUpperCase();

function showRecord(
  ctx: Context,
  portal: Portal,
  login: Login,
  title: string,
  rows: [string, string][],
): void {
  const lang = languageOf(ctx, portal);
  const t = DEPARTMENT_TEXTS[lang];
  const row = ([name, value]: [string, string | Html]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  page(ctx, portal, {
    title,
    body: html`<section class="panel record" data-acr="${login.acr}">
      <h1>${title}</h1>
      <dl>
        ${rows.map(row)}
        ${row([t.level, html`${t.levels[login.acr] ?? login.acr} <code>${login.acr}</code>`])}
        ${row([t.since, login.authTime ? dateOf(login.authTime, lang) : '—'])}
      </dl>
      <p class="hint">${t.invented}</p>
      <p class="ways"><a class="button" href="/">${t.home}</a></p>
    </section>`,
  });
}
