import type { Context } from 'koa';

/** Where the pages of one interaction are. */
export const interactionPath = (uid: string): string => `/interaction/${encodeURIComponent(uid)}`;

/** Where the button of an error page leads while a login is under way: on with it, and not to the platform's home. */
export function backToLogin(ctx: Context, path: string): void {
  ctx.state.wayBack = { href: path, label: 'frontDoor.login.backTo' };
}

/** Answers a form by a page of its own (303), so that reloading that page sends nothing again. */
export function seeOther(ctx: Context, path: string): void {
  ctx.status = 303;
  ctx.redirect(path);
}
