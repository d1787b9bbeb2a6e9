import Router from '@koa/router';
import type { ExecutionContext } from 'ava';
import type { Peer } from '../../src/health-code/exchange/peers.ts';
import type { Role } from '../../src/health-code/officers/roles.ts';
import { officerRoutes } from '../../src/health-code/officers/routes.ts';
import { grantRole } from '../../src/health-code/officers/store.ts';
import { healthRoutes } from '../../src/health-code/routes.ts';
import type { Database } from '../../src/platform/database.ts';
import { createLimits } from '../../src/platform/limits.ts';
import { cipher, NOW } from './citizens.ts';
import { freshDatabase } from './database.ts';
import { givenCitizenAtBasic } from './health.ts';
import type { HealthSite } from './health-pages.ts';
import { serve } from './http.ts';
import { openJar } from './http-client.ts';

export interface Office extends HealthSite {
  /** Who is logged in at the officers' pages, and whether that is new enough to act. */
  officer: { citizenId: string | undefined; fresh: boolean };
  /** The other provinces. */
  peers: Peer[];
}

/** A citizen who is an officer. */
export async function givenOfficer(
  db: Database,
  n: number,
  roles: readonly Role[],
  { organisation = '甲市卫生健康委员会', orgType = 'health' as const, ...rest } = {},
): Promise<{ citizenId: string; actor: string }> {
  const { citizenId } = await givenCitizenAtBasic(db, n);
  for (const role of roles) {
    await grantRole(db, { citizenId, role, organisation, orgType, now: NOW, ...rest });
  }
  return { citizenId, actor: `officer:${citizenId}` };
}

/** The citizen's and the officers' pages of the health code, with whoever the test says logged in at each. */
export async function startOffice(t: ExecutionContext<unknown>): Promise<Office> {
  const db = await freshDatabase(t as ExecutionContext, { max: 10 });
  const world: Office['world'] = { citizenId: undefined, now: NOW };
  const officer: Office['officer'] = { citizenId: undefined, fresh: true };
  const peers: Peer[] = [];
  const site = await serve(t as ExecutionContext, (pages) => {
    const deps = { db, cipher, pages, clock: () => world.now };
    const router = new Router();
    const office = officerRoutes({
      ...deps,
      extraProvinces: ['39'],
      peers: async () => ({
        issuer: '390000',
        monthKeys: new Map(),
        peers: new Map(peers.map((peer) => [peer.issuer, peer])),
      }),
      async officerSignedIn(ctx, { ask }) {
        if (officer.citizenId === undefined || (ask && !officer.fresh)) {
          ctx.redirect('/login');
          return undefined;
        }
        return { citizenId: officer.citizenId, fresh: officer.fresh };
      },
    });
    const health = healthRoutes({
      ...deps,
      limits: createLimits(db),
      issuer: 'http://localhost',
      async current() {
        return world.citizenId === undefined ? undefined : { citizenId: world.citizenId };
      },
      async signedIn(ctx) {
        if (world.citizenId !== undefined) return { citizenId: world.citizenId };
        ctx.redirect('/login');
        return undefined;
      },
    });
    router.use(office.routes());
    router.use(health.routes());
    return router;
  });
  const jar = openJar(site.url);
  return {
    ...site,
    db,
    jar,
    world,
    officer,
    peers,
    submit: (path, fields) =>
      jar.post(path, new URLSearchParams({ action: 'continue', ...fields }), {
        origin: site.url,
        'sec-fetch-site': 'same-origin',
      }),
  };
}

/** The `ymt-error` of a page. */
export const errorOf = (html: string): string | undefined =>
  /name="ymt-error" content="([^"]*)"/.exec(html)?.[1];
