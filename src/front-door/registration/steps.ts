import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../../audit/log.ts';
import { parseMobile } from '../../citizens/identifiers.ts';
import { parseUsername } from '../../citizens/names.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { type CodePlace, seeToCode, takeCode } from '../code-by-sms.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { maskName } from '../masked.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { isProblem, type NextAction, showStop } from '../stop.ts';
import { draftKeeper, type Open } from './browser.ts';
import { nextStep, revise, withAnswers } from './draft.ts';
import { registrationProofRoutes } from './prove.ts';
import { askAuthorities, completeRegistration } from './register.ts';

const Code = z.object({
  action: z.enum(['continue', 'resend']).default('continue'),
  sms_code: z.string().default(''),
});
const Phone = z.object({ phone: z.string().max(300) });
const Username = z.object({ username: z.string().max(300) });

const RETRY: NextAction = { label: 'frontDoor.register.retry', href: '/register/check', post: 'continue' };
const EDIT: NextAction = { label: 'frontDoor.register.edit', href: '/register?edit=1' };
const OTHER_PHONE: NextAction = { label: 'frontDoor.register.otherPhone', href: '/register/phone' };

const VOUCH: NextAction = { label: 'frontDoor.register.vouch', href: '/register/prove' };

/** What can be done where the registration stopped. */
const ACTIONS: Record<string, readonly NextAction[]> = {
  identity_mismatch: [EDIT],
  identity_unknown: [EDIT],
  identity_deceased: [EDIT],
  register_unavailable: [RETRY],
  phone_not_yours: [OTHER_PHONE, VOUCH, EDIT],
  phone_unknown: [OTHER_PHONE, VOUCH, EDIT],
  phone_already_registered: [OTHER_PHONE],
  carrier_unavailable: [RETRY],
  document_shared: [EDIT],
};

/** What the audit log calls each stop. */
const REASONS = {
  identity_mismatch: 'mismatch',
  identity_unknown: 'unknown',
  identity_deceased: 'deceased',
  phone_not_yours: 'carrier_mismatch',
  phone_unknown: 'carrier_mismatch',
  register_unavailable: 'unavailable',
  carrier_unavailable: 'unavailable',
  document_shared: 'already_registered',
} as const;

/** Page 2 of the registration and what follows it: the code, the registers, and each way on from a stop. */
export function registrationStepRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, pages, limits } = deps;
  const { need, change, finished } = draftKeeper(deps);

  const placeOf = ({ ticket, draft }: Open): CodePlace => ({
    purpose: 'registration',
    context: `registration ${ticket.toString('hex')}`,
    phone: draft.phone,
  });

  async function showCode(
    ctx: Context,
    current: Open,
    { form, how = 'stay' }: { form?: FormState; how?: 'open' | 'again' | 'stay' },
  ): Promise<void> {
    const sms = await seeToCode(deps, ctx, placeOf(current), how);
    pages.render(ctx, 'front-door/register-code', { sms, form });
  }

  router.get('/register/code', async (ctx) => {
    const current = await need(ctx);
    if (!current) return;
    if (nextStep(current.draft) !== 'code') return seeOther(ctx, '/register/check');
    await showCode(ctx, current, { how: 'open' });
  });

  router.post('/register/code', async (ctx) => {
    const current = await need(ctx);
    if (!current) return;
    if (nextStep(current.draft) !== 'code') return advance(ctx, current);
    const parsed = formOf(ctx, Code);
    if (!parsed.ok) return showCode(ctx, current, { form: parsed.form });
    if (parsed.data.action === 'resend') return showCode(ctx, current, { how: 'again' });
    const { errors } = parsed.form;
    const confirmed = await change(current.ticket, async (tx, draft) => {
      if (draft.phone !== current.draft.phone) return undefined;
      // The button was pressed twice: the other press has used the code up.
      if (draft.phoneConfirmedAt) return draft;
      const wrong = await takeCode(tx, deps, { ...placeOf(current), code: parsed.data.sms_code });
      if (wrong) errors.sms_code = wrong;
      return wrong ? undefined : { ...draft, phoneConfirmedAt: clock().toISOString() };
    });
    if (errors.sms_code) return showCode(ctx, current, { form: parsed.form });
    return confirmed ? advance(ctx, confirmed) : seeOther(ctx, '/register/check');
  });

  router.get('/register/check', async (ctx) => {
    const current = await need(ctx);
    if (!current) return;
    if (nextStep(current.draft) === 'code') return seeOther(ctx, '/register/code');
    pages.render(ctx, 'front-door/register-check', { who: maskName(current.draft.name) });
  });

  router.post('/register/check', async (ctx) => {
    const current = await need(ctx);
    if (!current) return;
    if (nextStep(current.draft) === 'code') return seeOther(ctx, '/register/code');
    return advance(ctx, current);
  });

  /** Asks the registers and opens the account, or says what stands in the way. */
  async function advance(ctx: Context, { ticket, draft }: Open): Promise<void> {
    if (!deps.fixedCode?.(draft.phone)) await limits.consume('registration', ticket.toString('hex'));
    const asked = await askAuthorities(deps, draft, clock());
    const answered = await change(ticket, async (_tx, newest) => withAnswers(newest, asked.draft));
    // Finished by another press, or changed in another tab while they were asked.
    if (!answered) return seeOther(ctx, '/register/check');
    if (asked.problem) return stopAt(ctx, asked.problem);
    if (nextStep(answered.draft) === 'prove') return seeOther(ctx, '/register/prove');
    try {
      const done = await db.transaction((tx) => completeRegistration(tx, cipher, ticket, clock()));
      return finished(ctx, done.interactionUid);
    } catch (error) {
      if (isProblem(error, 'username_taken')) return seeOther(ctx, '/register/username');
      if (isProblem(error, 'registration_unfinished')) return seeOther(ctx, '/register/code');
      if (isProblem(error, 'phone_already_registered')) {
        // With the carrier's word the phone was free a moment ago; with an officer's it is somebody else's.
        return stopAt(ctx, asked.draft.carrier ? new Problem('register_busy', 503) : error);
      }
      if (isProblem(error, 'document_shared')) return stopAt(ctx, error);
      if (!isProblem(error, 'id_already_registered')) throw error;
      await record(db, {
        type: 'registration.refused',
        detail: { reason: 'already_registered' },
        at: clock(),
      });
      const { interactionUid } = asked.draft;
      const login = interactionUid ? `${interactionPath(interactionUid)}/login` : '/account';
      return showStop(deps, ctx, error, [
        { label: 'frontDoor.register.logIn', href: login },
        { label: 'frontDoor.recover.start', href: '/recover' },
      ]);
    }
  }

  async function stopAt(ctx: Context, problem: Problem): Promise<void> {
    const reason = REASONS[problem.code as keyof typeof REASONS];
    if (reason) await record(db, { type: 'registration.refused', detail: { reason }, at: clock() });
    showStop(deps, ctx, problem, ACTIONS[problem.code] ?? [RETRY]);
  }

  registrationProofRoutes(router, deps, advance);

  router.get('/register/phone', async (ctx) => {
    if (await need(ctx)) pages.render(ctx, 'front-door/register-phone', {});
  });

  router.post('/register/phone', async (ctx) => {
    const current = await need(ctx);
    if (!current) return;
    const { form, ...parsed } = formOf(ctx, Phone);
    const phone = parseMobile(parsed.ok ? parsed.data.phone : '');
    if (!phone.ok) {
      form.errors.phone = `frontDoor.entry.phone.${phone.reason}`;
      return pages.render(ctx, 'front-door/register-phone', { form });
    }
    await change(current.ticket, async (_tx, draft) => revise(draft, { phone: phone.value }));
    seeOther(ctx, '/register/code');
  });

  router.get('/register/username', async (ctx) => {
    if (await need(ctx)) pages.render(ctx, 'front-door/register-username', {}, { status: 409 });
  });

  router.post('/register/username', async (ctx) => {
    const current = await need(ctx);
    if (!current) return;
    const { form, ...parsed } = formOf(ctx, Username);
    const username = parseUsername(parsed.ok ? parsed.data.username : '');
    if (!username.ok) {
      form.errors.username = `frontDoor.entry.username.${username.reason}`;
      return pages.render(ctx, 'front-door/register-username', { form });
    }
    const changed = await change(current.ticket, async (_tx, draft) =>
      revise(draft, { username: username.value }),
    );
    return changed ? advance(ctx, changed) : seeOther(ctx, '/register/check');
  });
}
