import type { Context } from 'koa';
import type { Pages } from '../platform/pages.ts';
import { Problem } from '../platform/problem.ts';

/** One thing that the citizen can do next. */
export interface NextAction {
  /** Key of the words on it. */
  label: string;
  /** Where it leads. */
  href: string;
  /** Posts `action=<value>` instead of following a link. */
  post?: string;
}

/**
 * A stop on the way: what happened, what to do, and buttons that do it. Same texts, code and reference id as
 * the error page of the same problem, which could only say it.
 */
export function showStop(
  { pages }: { pages: Pages },
  ctx: Context,
  problem: Problem,
  actions: readonly NextAction[],
): void {
  pages.render(
    ctx,
    'front-door/stop',
    { code: problem.code, params: problem.params, actions },
    { status: problem.status },
  );
}

/** "Log in with another account", on every page of an interaction where one is stuck. */
export const switchAction = (base: string): NextAction => ({
  label: 'frontDoor.switchAccount',
  href: `${base}/switch`,
  post: 'switch',
});

/** Whether `error` is the problem with this code. */
export const isProblem = (error: unknown, ...codes: string[]): error is Problem =>
  error instanceof Problem && codes.includes(error.code);
