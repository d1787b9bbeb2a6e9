import type Router from '@koa/router';
import { accountLevel } from '../assurance/ladder.ts';
import { loadStanding } from '../assurance/standing.ts';
import { waitingClosing } from '../citizens/closing.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { maskNumber, maskPhone } from './masked.ts';
import { levelViews } from './missing.ts';

/** The first page: who I am, how far I am verified, what is missing. */
export function overviewRoutes(
  router: Router,
  { db, clock, pages, phoneChangeAt }: AccountDeps,
  gate: Gate,
): void {
  router.get('/account', async (ctx) => {
    const me = await gate.signedIn(ctx);
    if (!me) return;
    const { citizen, session } = me;
    const now = clock();
    const { evidence, cap } = await loadStanding(db, {
      citizenId: citizen.id,
      sessionUid: session.sessionUid,
    });
    const capUntil = cap && cap.until > now ? cap.until : undefined;
    pages.render(ctx, 'account/overview', {
      name: citizen.name,
      documentType: citizen.documentType,
      idNumber: maskNumber(citizen.idNumber),
      username: citizen.username,
      phone: citizen.phone && maskPhone(citizen.phone),
      level: accountLevel(evidence, now, cap).level,
      levels: levelViews(evidence, now, cap),
      capUntil,
      phoneChangeAt: await phoneChangeAt?.(citizen.id),
      closeAt: (await waitingClosing(db, citizen.id))?.closeAt,
    });
  });
}
