import type Router from '@koa/router';
import type { Context } from 'koa';
import type { z } from 'zod';
import { type FormErrors, type FormState, formOf } from '../../platform/http/forms.ts';
import { recordId } from '../record-id.ts';
import type { Officer, OfficerGate, OfficerPage } from './gate.ts';
import type { Role } from './roles.ts';

/** A page of officers with a form and a list, the rows of which have buttons. */
export interface FormPage {
  path: string;
  roles: readonly Role[];
  /** Also asked at each request, such as that the health code is on. */
  when?: (page: OfficerPage) => OfficerPage;
}

/** Ends an act: back to the page, which says what was done. */
export function seeDone(ctx: Context, path: string, done: string): void {
  ctx.status = 303;
  ctx.redirect(`${path}?done=${done}`);
}

/**
 * `GET` and `POST` of the page. Nothing is done, and nothing that was typed is lost, while anything is wrong with the
 * form or the login is too old.
 *
 * @param of.read what was typed as what is wished for; what is wrong is added to `errors`.
 * @param of.act carries it out. @returns what the page says then.
 */
export function formPage<Typed, Wish>(
  router: Router,
  gate: OfficerGate,
  { path, roles, when = (page) => page }: FormPage,
  of: {
    form: z.ZodType<Typed>;
    show(ctx: Context, officer: Officer, form?: FormState): Promise<void>;
    read(typed: Typed, officer: Officer, errors: FormErrors): Promise<Wish | undefined> | Wish | undefined;
    act(wish: Wish, officer: Officer): Promise<string>;
  },
): void {
  router.get(
    path,
    gate.form(
      roles,
      when((ctx, officer) => of.show(ctx, officer)),
    ),
  );
  const post: OfficerPage = async (ctx, officer) => {
    const posted = formOf(ctx, of.form);
    const { errors } = posted.form;
    if (!officer.fresh) errors[''] = 'healthOffice.loginOld';
    const wish = posted.ok ? await of.read(posted.data, officer, errors) : undefined;
    if (wish === undefined || Object.keys(errors).length > 0) return of.show(ctx, officer, posted.form);
    seeDone(ctx, path, await of.act(wish, officer));
  };
  router.post(path, gate.act(roles, when(post)));
}

/** A button of a row, `POST {path}/:id/{name}`. Who logged in too long ago is sent to do so, and back to the page. */
export function rowButton(
  router: Router,
  gate: OfficerGate,
  { path, roles, when = (page) => page }: FormPage,
  { name, done, act }: { name: string; done: string; act(id: string, officer: Officer): Promise<unknown> },
): void {
  const post: OfficerPage = async (ctx, officer) => {
    await act(recordId(ctx.params.id), officer);
    seeDone(ctx, path, done);
  };
  router.post(
    `${path}/:id/${name}`,
    gate.act(roles, when(post), () => path),
  );
}
