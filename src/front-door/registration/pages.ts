import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../../audit/log.ts';
import { hashPassword } from '../../citizens/password.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { hoursOf } from '../hours.ts';
import { lastFour, maskName } from '../masked.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { isProblem } from '../stop.ts';
import { dropTicket } from '../ticket.ts';
import { draftKeeper, REGISTRATION_COOKIE } from './browser.ts';
import { type Draft, revise } from './draft.ts';
import { checkEntries, readDocument, tooYoung } from './form.ts';
import { registrationStepRoutes } from './steps.ts';
import { deleteDraft } from './store.ts';

const optional = z.string().max(300).default('');
const Form = z.object({
  name: optional,
  document_type: optional,
  id_number: optional,
  birth_date: optional,
  phone: optional,
  username: optional,
  password: z.string().max(1000).default(''),
  interaction: z.string().default(''),
  /** The entries of a draft are being changed; its password stays unless another is typed. */
  edit: optional,
});
const INTERACTION = /^[\w-]{1,64}$/;
const interactionOf = (raw: unknown): string | undefined =>
  typeof raw === 'string' && INTERACTION.test(raw) ? raw : undefined;

/**
 * The registration: everything but the code, then the code, then the registers.
 *
 * @returns `begunIn`: whether this browser's newest registration began in that interaction.
 */
export function registrationRoutes(router: Router, deps: FrontDoorDeps) {
  const { db, clock, pages, door, limits } = deps;
  const { stored, open, keep, change, newTicket } = draftKeeper(deps);
  registrationStepRoutes(router, deps);

  function showForm(
    ctx: Context,
    view: {
      form: FormState;
      edit: boolean;
      needsBirthDate: boolean;
      resume?: Draft | undefined;
      /** The browser holds a draft that this form does not change. */
      other: boolean;
    },
  ): void {
    const { interaction } = view.form.values;
    // With what is typed here, once there is a draft of it; another draft of this browser is left alone.
    const query = new URLSearchParams({
      ...(!view.other && { edit: '1' }),
      ...(interaction && { interaction }),
    });
    pages.render(ctx, 'front-door/register', {
      ...view,
      formAt: query.size > 0 ? `/register?${query}` : '/register',
      login: interaction ? `${interactionPath(interaction)}/login` : '/account',
      resume: view.resume && {
        who: maskName(view.resume.name),
        lastFour: lastFour(view.resume.phone),
        hours: hoursOf('draft'),
      },
    });
  }

  router.get('/register', async (ctx) => {
    const current = await open(ctx);
    const edit = ctx.query.edit !== undefined && current !== undefined;
    const values: Record<string, string> = edit
      ? {
          name: current.draft.name,
          document_type: current.draft.documentType,
          id_number: current.draft.idNumber,
          birth_date: current.draft.birthDate,
          phone: current.draft.phone,
          username: current.draft.username,
          interaction: current.draft.interactionUid ?? '',
        }
      : { interaction: interactionOf(ctx.query.interaction) ?? '' };
    const document = edit && readDocument(current.draft.documentType, current.draft.idNumber, rules());
    showForm(ctx, {
      form: { values, errors: {} },
      edit,
      needsBirthDate: document !== false && document.ok && document.birthDate === undefined,
      resume: edit ? undefined : current?.draft,
      other: current !== undefined && !edit,
    });
  });

  const rules = () => ({ now: clock(), extraProvinces: deps.extraProvinces });

  router.post('/register', async (ctx) => {
    const parsed = formOf(ctx, Form);
    const before = await open(ctx);
    const fields = parsed.ok
      ? parsed.data
      : { ...parsed.form.values, password: '', edit: '', interaction: '' };
    const edit = fields.edit !== '' && before !== undefined;
    const checked = checkEntries(fields, rules(), { passwordKept: edit });
    if (!parsed.ok || !checked.ok) {
      const errors = checked.ok ? parsed.form.errors : { ...parsed.form.errors, ...checked.errors };
      return showForm(ctx, {
        form: { values: parsed.form.values, errors: errors as FormState['errors'] },
        edit,
        needsBirthDate: !checked.ok && checked.needsBirthDate,
        other: before !== undefined && !edit,
      });
    }
    const { password, ...entries } = checked.entries;
    const now = clock();
    if (!deps.fixedCode?.(entries.phone)) await limits.consume('registration_network', ctx.ip);
    const interactionUid = interactionOf(fields.interaction);
    const passwordHash = password === '' ? before!.draft.passwordHash : await hashPassword(password);
    if (edit) {
      await change(before.ticket, async (_tx, draft) => revise(draft, { ...entries, passwordHash }));
    } else {
      const ticket = newTicket(ctx);
      await keep(ticket, { ...entries, passwordHash, ...(interactionUid && { interactionUid }) });
      await record(db, { type: 'registration.started', at: now });
    }
    if (tooYoung(entries.birthDate, now)) {
      await record(db, { type: 'registration.refused', detail: { reason: 'too_young' }, at: now });
    }
    seeOther(ctx, '/register/code');
  });

  router.post('/register/restart', async (ctx) => {
    const current = await open(ctx);
    if (current) await deleteDraft(db, current.ticket);
    dropTicket(ctx, REGISTRATION_COOKIE);
    seeOther(ctx, '/register');
  });

  router.get('/register/done', async (ctx) => {
    const one = await stored(ctx);
    if (one?.found.state !== 'finished') return seeOther(ctx, '/register');
    pages.render(ctx, 'front-door/register-done');
  });

  /**
   * Where a registration that began in an interaction comes back to it: the interaction's cookie is only sent
   * here. The proofs are recorded already; this browser's ticket says that they are its own.
   *
   * It is a page with a button and no redirect, because the forms before it do not know the portal, and browsers
   * apply their `form-action` to every redirect that follows them.
   */
  async function registered(ctx: Context, goOn: boolean): Promise<void> {
    const one = await stored(ctx);
    const finished = one?.found.state === 'finished' ? one.found : undefined;
    try {
      const interaction = await door.details(ctx);
      const base = interactionPath(interaction.uid);
      if (finished?.interactionUid !== interaction.uid) return seeOther(ctx, base);
      if (goOn) return await door.loggedIn(ctx, { citizenId: finished.citizenId });
      return pages.render(ctx, 'front-door/register-done', { client: interaction.client, base });
    } catch (error) {
      if (!isProblem(error, 'interaction_expired') || !finished) throw error;
      return seeOther(ctx, '/register/done');
    }
  }

  router.get('/interaction/:uid/registered', (ctx) => registered(ctx, false));
  router.post('/interaction/:uid/registered', (ctx) => registered(ctx, true));

  return {
    async begunIn(ctx: Context, interactionUid: string): Promise<boolean> {
      const found = (await stored(ctx))?.found;
      return (found?.state === 'open' ? found.draft : found)?.interactionUid === interactionUid;
    },
  };
}
