import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { DOCUMENT_TYPES, parseDocument } from '../../citizens/identifiers.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import type { HealthDeps } from '../citizen-page.ts';
import type { Venue } from './venues.ts';
import { checkVisitor, type Visitors, type VisitorVerdict } from './visitor.ts';

const PATH = '/health/verify/visitor';
const fields = {
  province: z.string().max(6).default(''),
  document_type: z.enum(DOCUMENT_TYPES).default('resident_id'),
  id_number: z.string().max(40).default(''),
};
const Form = z.object(fields);
const Body = z.strictObject(fields);

/**
 * `POST /health/verify/visitor`: a visitor of another province, by the number on their document; the form of the
 * venue's page, and JSON for gates. The number stands in the body only, and is kept nowhere.
 */
export function visitorRoutes(
  router: Router,
  deps: HealthDeps & { visitors: Visitors },
  {
    asking,
    show,
  }: {
    /** The venue that asks; undefined when the browser was sent to be set up. */
    asking(ctx: Context, now: Date): Promise<Venue | undefined>;
    show(ctx: Context, venue: Venue, more: { visitor?: VisitorVerdict; form?: FormState }): Promise<void>;
  },
): void {
  const { clock, pages, visitors } = deps;
  const documentOf = ({ document_type: type, id_number: text }: z.infer<typeof Form>, now: Date) =>
    parseDocument(type, text, { now, extraProvinces: visitors.extraProvinces });

  router.get(PATH, (ctx) => ctx.redirect('/health/verify'));

  router.post(PATH, async (ctx) => {
    const now = clock();
    const venue = await asking(ctx, now);
    if (!venue) return;
    if (ctx.state.api) {
      const body = Body.safeParse(ctx.request.body);
      const document = body.success ? documentOf(body.data, now) : undefined;
      if (!body.success || !document?.ok) throw new Problem('bad_request', 400);
      const { province, document_type: documentType } = body.data;
      const idNumber = document.value;
      const verdict = await checkVisitor(deps, { venue, province, documentType, idNumber, now });
      const message = pages.t(ctx)(`healthDoor.visitor.verdict.${verdict}.title`);
      ctx.body = { verdict, message, at: now.toISOString() };
      return;
    }
    const posted = formOf(ctx, Form);
    if (!posted.ok) return show(ctx, venue, posted);
    const { province, document_type: documentType } = posted.data;
    const document = documentOf(posted.data, now);
    const { errors } = posted.form;
    if (!(await visitors.provinces()).some(({ issuer }) => issuer === province))
      errors.province = 'healthDoor.visitor.errors.province';
    if (!document.ok) errors.id_number = `frontDoor.entry.document.${document.reason}`;
    if (!document.ok || Object.keys(errors).length > 0) return show(ctx, venue, posted);
    const asked = { venue, province, documentType, idNumber: document.value, now };
    await show(ctx, venue, { visitor: await checkVisitor(deps, asked) });
  });
}
