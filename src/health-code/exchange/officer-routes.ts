import type Router from '@koa/router';
import { type OfficerDeps, officerGate } from '../officers/gate.ts';
import { OFFICER_PAGES, officerNav } from '../officers/nav.ts';
import { nameOfPeer } from '../province-name.ts';
import { healthSettings } from '../settings.ts';
import { newestOwnFile } from './outgoing.ts';
import { readPeerStates } from './peer-state.ts';

/** `/health/officer/exchange`: how the exchange with each province is, what was refused and what to do about it. */
export function exchangeOfficerRoutes(router: Router, deps: OfficerDeps): void {
  const { db, pages } = deps;
  router.get(
    '/health/officer/exchange',
    officerGate(deps).look(OFFICER_PAGES.exchange ?? [], async (ctx, officer) => {
      const peers = await deps.peers?.();
      const states = await readPeerStates(db, peers?.peers.values() ?? [], officer.now);
      pages.render(ctx, 'health-code/officer/exchange', {
        nav: officerNav(pages, ctx, officer, 'exchange'),
        peers: states.map((peer) => ({ ...peer, name: nameOfPeer(peer, ctx.state.locale) })),
        own: peers && (await newestOwnFile(db)),
        staleHours: healthSettings.sources.peer?.staleAfterHours,
      });
    }),
  );
}
