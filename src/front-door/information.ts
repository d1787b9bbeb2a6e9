import Router from '@koa/router';
import { LEVELS } from '../assurance/level.ts';
import type { Pages } from '../platform/pages.ts';

/** Sections of the text pages; each has `title` and `text` under `information.<page>.<section>`. */
const SECTIONS = {
  help: [
    'noCode',
    'forgotPassword',
    'newPhone',
    'takenPhone',
    'noCamera',
    'raise',
    'minors',
    'fraud',
    'reference',
  ],
  privacy: ['kept', 'purpose', 'shared', 'biometrics', 'safety', 'duration', 'rights', 'cookies', 'contact'],
  accessibility: ['standard', 'large', 'dark', 'keyboard', 'script', 'ways', 'contact'],
} as const;

/** The platform's own pages, open to everybody: `/`, `/help`, `/privacy`, `/accessibility`. */
export function informationRoutes(pages: Pages): Router {
  const router = new Router();
  router.get('/', (ctx) => pages.render(ctx, 'front-door/information/home', { levels: LEVELS }));
  for (const [name, sections] of Object.entries(SECTIONS)) {
    router.get(`/${name}`, (ctx) => pages.render(ctx, 'front-door/information/text', { name, sections }));
  }
  return router;
}
