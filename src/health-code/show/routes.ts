import type Router from '@koa/router';
import { appFiles } from './app-files.ts';
import { codePage } from './code-page.ts';
import type { ShowDeps } from './deps.ts';
import { offlineRoutes } from './offline-routes.ts';
import { paperRoutes } from './paper-routes.ts';

/** Everything with which citizens show their colour. None of it asks an outside source. */
export function showRoutes(router: Router, deps: ShowDeps): void {
  codePage(router, deps);
  offlineRoutes(router, deps);
  paperRoutes(router, deps);
  appFiles(router, deps);
}
