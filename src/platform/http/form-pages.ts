import type Router from '@koa/router';
import type { Middleware } from 'koa';

/** What Koa knows of the routers that were given to `app.use`. */
interface App {
  middleware: readonly unknown[];
}

const routersOf = ({ middleware }: App): Router[] =>
  middleware.flatMap((each) => (each as { router?: Router }).router ?? []);

/**
 * Leads somebody who opens an address that only takes a form (Back and reload after its answer do) to the page that
 * the form is on: the nearest address above it that is a page. Goes after all routers.
 */
export function formPages(app: App): Middleware {
  return (ctx, next) => {
    if (ctx.method !== 'GET' || ctx.state.api) return next();
    const routers = routersOf(app);
    const takes = (path: string, method: string) => routers.some((each) => each.match(path, method).route);
    if (!takes(ctx.path, 'POST')) return next();
    for (let path = ctx.path; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
      if (path !== ctx.path && takes(path, 'GET')) return ctx.redirect(path);
    }
    return next();
  };
}
