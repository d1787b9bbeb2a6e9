import type Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import { z } from 'zod';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { type CitizenPage, healthNav, type Me } from '../citizen-page.ts';
import type { FamilyDeps } from './deps.ts';
import { type ElderRequest, findElderRequest, seeToConsent, takeConsent } from './elder.ts';

const ConsentForm = z.object({
  action: z.enum(['continue', 'resend']).default('continue'),
  sms_code: z.string().default(''),
});

/** `/health/family/elder/:id`: where the elder's code comes back. */
export function elderCodeRoutes(
  router: Router,
  deps: FamilyDeps,
  forVouched: (page: CitizenPage) => Middleware,
): void {
  const { pages } = deps;
  const inChinese = pages.texts.translator('zh-CN');
  const home = (id: string) => `/health/family/elder/${id}`;
  const seeOther = (ctx: Context, to: string) => {
    ctx.status = 303;
    ctx.redirect(to);
  };

  /** The page of a request of this citizen's. */
  const forRequest = (page: (ctx: Context, me: Me, request: ElderRequest) => Promise<void>) =>
    forVouched(async (ctx, me) => {
      const asked = { guardianId: me.holder.citizenId, id: String(ctx.params.id), now: me.now };
      const request = await findElderRequest(deps, asked);
      if (!request) return seeOther(ctx, '/health/family/elder');
      await page(ctx, me, request);
    });

  async function show(
    ctx: Context,
    me: Me,
    request: ElderRequest,
    { form, how = 'stay' }: { form?: FormState; how?: 'open' | 'again' | 'stay' } = {},
  ): Promise<void> {
    const asker = me.holder.maskedName;
    // The code is filled in where the message is sent. An elder's phone speaks Chinese.
    const message = inChinese('healthFamily.sms.consent', { asker, code: '{code}', minutes: '{minutes}' });
    const sms = await seeToConsent(deps, request, { how, message, now: me.now });
    pages.render(ctx, 'health-code/family-consent', {
      nav: healthNav(pages, ctx, 'family'),
      form,
      sms,
      name: request.elder.name,
      home: home(request.id),
    });
  }

  router.get(
    '/health/family/elder/:id',
    forRequest((ctx, me, request) => show(ctx, me, request, { how: 'open' })),
  );
  router.post(
    '/health/family/elder/:id',
    forRequest(async (ctx, me, request) => {
      const posted = formOf(ctx, ConsentForm);
      if (!posted.ok) return show(ctx, me, request, { form: posted.form });
      if (posted.data.action === 'resend') return show(ctx, me, request, { how: 'again' });
      const wrong = await takeConsent(deps, {
        guardianId: me.holder.citizenId,
        request,
        code: posted.data.sms_code,
        told: inChinese('healthFamily.sms.told', { asker: me.holder.maskedName }),
        now: me.now,
      });
      if (wrong === undefined) return seeOther(ctx, '/health/family?done=elder');
      posted.form.errors.sms_code = wrong;
      await show(ctx, me, request, { form: posted.form });
    }),
  );
}
