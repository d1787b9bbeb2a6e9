import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { DOCUMENT_TYPES } from '../../citizens/identifiers.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { requireActivation } from '../activation.ts';
import type { HealthDeps } from '../citizen-page.ts';
import { nameOfPeer } from '../province-name.ts';
import type { HealthKeys } from '../show/keys.ts';
import { type CheckResult, checkCode, DOCUMENT_LETTERS } from './check.ts';
import { authenticateDevice, plainCredential, type Venue } from './venues.ts';
import type { Visitors, VisitorVerdict } from './visitor.ts';
import { visitorRoutes } from './visitor-routes.ts';

const PATH = '/health/verify';
const YEAR_MS = 365 * 86_400_000;
/** What the page can say; the last three are its own, for when the platform gives no verdict (`wire/at-door.js`). */
const VERDICTS = [
  'valid',
  'wrong_colour',
  'expired',
  'early',
  'shown_before',
  'withdrawn',
  'wrong_nonce',
  'unchecked',
  'unknown',
  'document_missing',
  'document_mismatch',
  'needs_network',
  'off',
  'too_many',
] as const;

const CheckForm = z.object({
  health_code: z.string().min(1, 'healthDoor.page.codeMissing').max(5_000),
  document: z.string().max(20).default(''),
});
const CheckBody = z.strictObject({
  code: z.string().min(1).max(5_000),
  document: z.string().max(20).optional(),
  nonce: z
    .string()
    .regex(/^\d{8}$/)
    .optional(),
  request: z
    .string()
    .regex(/^[A-Za-z0-9_-]{22,64}$/)
    .optional(),
});
const DeviceForm = z.object({
  device_code: z.string().trim().min(1, 'healthDoor.device.missing').max(80),
});

/**
 * `/health/verify`: the page for venues, and the same check for gates as JSON (`docs/standard/qr.md`).
 */
export function doorRoutes(
  router: Router,
  deps: HealthDeps & { keys: HealthKeys; visitors?: Visitors | undefined },
): void {
  const { db, pages, clock, limits, issuer, visitors } = deps;
  const secure = issuer.startsWith('https:');
  const cookieName = secure ? '__Secure-ymt_venue' : 'ymt_venue';

  function setCookie(ctx: Context, value: string | null): void {
    // Behind a proxy Koa sees plain http and would refuse to set a secure cookie.
    ctx.cookies.secure = secure;
    const maxAge = value === null ? {} : { maxAge: YEAR_MS };
    const options = { path: PATH, httpOnly: true, secure, signed: false, ...maxAge };
    ctx.cookies.set(cookieName, value, { ...options, sameSite: 'strict', overwrite: true });
  }

  /** @throws Problem `too_many_attempts` 429 for an address that tries credential after credential. */
  async function venueOf(ctx: Context, credential: string | undefined): Promise<Venue | undefined> {
    if (credential === undefined) return undefined;
    const venue = await authenticateDevice(db, credential);
    if (!venue) await limits.consume('verify', ctx.ip);
    return venue;
  }
  const ofCookie = (ctx: Context) => venueOf(ctx, ctx.cookies.get(cookieName, { signed: false }));

  async function show(
    ctx: Context,
    venue: Venue,
    { result, visitor, form }: { result?: CheckResult; visitor?: VisitorVerdict; form?: FormState } = {},
  ): Promise<void> {
    const view = {
      venue,
      result,
      visitor,
      provinces: ((await visitors?.provinces()) ?? []).map((peer) => ({
        ...peer,
        name: nameOfPeer(peer, ctx.state.locale),
      })),
      documentTypes: DOCUMENT_TYPES,
      form,
      verdicts: VERDICTS,
      documentLetters: DOCUMENT_LETTERS,
      offline: false,
    };
    pages.render(ctx, 'health-code/verify', view);
  }

  router.get(PATH, async (ctx) => {
    await requireActivation(db, clock());
    const venue = await ofCookie(ctx);
    if (venue) await show(ctx, venue);
    else pages.render(ctx, 'health-code/verify-device');
  });

  // The page as the service worker keeps it: of no venue, for devices that have been set up.
  router.get(`${PATH}/offline`, async (ctx) => {
    await requireActivation(db, clock());
    const view = { verdicts: VERDICTS, documentLetters: DOCUMENT_LETTERS, offline: true };
    pages.render(ctx, 'health-code/verify', { venue: undefined, result: undefined, provinces: [], ...view });
  });

  /**
   * The venue that asks, by a gate's credential or by this browser's; undefined when the browser was sent to be set
   * up. @throws Problem `health_device_unknown` 401 for a program.
   */
  async function asking(ctx: Context, now: Date): Promise<Venue | undefined> {
    const bearer = /^Bearer (.+)$/i.exec(ctx.get('authorization'))?.[1];
    ctx.state.api = bearer !== undefined || typeof ctx.is('json') === 'string';
    await requireActivation(db, now);
    const venue = bearer === undefined ? await ofCookie(ctx) : await venueOf(ctx, bearer);
    if (venue) return venue;
    if (ctx.state.api) {
      ctx.set('www-authenticate', 'Bearer');
      throw new Problem('health_device_unknown', 401);
    }
    ctx.redirect(PATH);
    return undefined;
  }

  router.post(PATH, async (ctx) => {
    const now = clock();
    const venue = await asking(ctx, now);
    if (!venue) return;
    if (ctx.state.api) {
      const body = CheckBody.safeParse(ctx.request.body);
      if (!body.success) throw new Problem('bad_request', 400);
      const result = await checkCode(deps, { venue, ...body.data, now });
      ctx.body = answerOf(ctx, result, now);
      return;
    }
    const posted = formOf(ctx, CheckForm);
    if (!posted.ok) return show(ctx, venue, { form: posted.form });
    const { health_code: code, document } = posted.data;
    const result = await checkCode(deps, { venue, code, document, now });
    // A paper needs its document: the code stays in its field, or it would have to be scanned again.
    const again = result.verdict.startsWith('document');
    if (again) posted.form.values.health_code = code;
    await show(ctx, venue, { result, ...(again && { form: posted.form }) });
  });

  const answerOf = (ctx: Context, result: CheckResult, now: Date) => ({
    verdict: result.verdict,
    message: pages.t(ctx)(`healthDoor.verdict.${result.verdict}.title`),
    kind: result.kind,
    colour: result.colour,
    name: result.name,
    last_two: result.lastTwo,
    at: now.toISOString(),
  });

  if (visitors) visitorRoutes(router, { ...deps, visitors }, { asking, show });

  router.post(`${PATH}/device`, async (ctx) => {
    await requireActivation(db, clock());
    const posted = formOf(ctx, DeviceForm);
    if (!posted.ok) return pages.render(ctx, 'health-code/verify-device', { form: posted.form });
    const venue = await venueOf(ctx, posted.data.device_code);
    if (!venue) {
      posted.form.errors.device_code = 'healthDoor.device.unknown';
      return pages.render(ctx, 'health-code/verify-device', { form: posted.form });
    }
    setCookie(ctx, plainCredential(posted.data.device_code));
    ctx.status = 303;
    ctx.redirect(PATH);
  });

  router.post(`${PATH}/leave`, (ctx) => {
    setCookie(ctx, null);
    ctx.status = 303;
    ctx.redirect(PATH);
  });
}
