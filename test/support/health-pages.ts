import type { ExecutionContext } from 'ava';
import { healthRoutes } from '../../src/health-code/routes.ts';
import { createLimits } from '../../src/platform/limits.ts';
import { cipher, NOW } from './citizens.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { serve, type TestSite } from './http.ts';
import { type Answered, type Jar, openJar } from './http-client.ts';

export interface HealthSite extends TestSite {
  db: TestDatabase;
  jar: Jar;
  /** Who is logged in, and what time it is; a test changes both. */
  world: { citizenId: string | undefined; now: Date };
  /** Posts a form as its page would. */
  submit(path: string, fields: Record<string, string>): Promise<Answered>;
}

/** The pages of the health code, with whoever the test says logged in. */
export async function startHealth(
  t: ExecutionContext<unknown>,
  more: Pick<Parameters<typeof healthRoutes>[0], 'visitors'> = {},
): Promise<HealthSite> {
  const db = await freshDatabase(t as ExecutionContext);
  const world: HealthSite['world'] = { citizenId: undefined, now: NOW };
  const site = await serve(t as ExecutionContext, (pages) =>
    healthRoutes({
      ...more,
      db,
      cipher,
      pages,
      clock: () => world.now,
      limits: createLimits(db),
      issuer: 'http://localhost',
      async signedIn(ctx) {
        if (world.citizenId !== undefined)
          return { citizenId: world.citizenId, sessionUid: 'session-of-test' };
        ctx.redirect('/login');
        return undefined;
      },
      async current() {
        return world.citizenId === undefined ? undefined : { citizenId: world.citizenId };
      },
    }),
  );
  const jar = openJar(site.url);
  return {
    ...site,
    db,
    jar,
    world,
    submit: (path, fields) =>
      jar.post(path, new URLSearchParams({ action: 'continue', ...fields }), {
        origin: site.url,
        'sec-fetch-site': 'same-origin',
      }),
  };
}

/** A declaration without risks, as the form of `/health/declare` sends it. */
export const DECLARATION = {
  address: '甲市示例路 1 号',
  temperature: '36.5',
  high_risk: 'no',
  medium_risk: 'no',
  arrived: 'no',
  contact: 'no',
  agree: 'yes',
};
