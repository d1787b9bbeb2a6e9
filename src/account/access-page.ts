import type Router from '@koa/router';
import { type AccessCursor, readAccess } from '../audit/access-log.ts';
import type { AccountDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { clientName } from './security.ts';

const CURSOR = /^(\d{13})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Where the next page begins, as it stands in an address. */
function cursorOf(text: unknown): AccessCursor | undefined {
  const [, at, id] = CURSOR.exec(typeof text === 'string' ? text : '') ?? [];
  return at && id ? { at: new Date(Number(at)), id } : undefined;
}

/** Who looked at my data: every relying party, what it saw, what for. */
export function accessRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, pages } = deps;
  router.get('/account/access', async (ctx) => {
    const me = await gate.signedIn(ctx);
    if (!me) return;
    const after = cursorOf(ctx.query.after);
    const { rows, next } = await readAccess(db, me.citizen.id, { after });
    const t = pages.t(ctx);
    const word = (group: 'what' | 'purpose', name: string) =>
      pages.texts.has(`account.access.${group}.${name}`) ? t(`account.access.${group}.${name}`) : name;
    pages.render(ctx, 'account/access', {
      rows: await Promise.all(
        rows.map(async ({ clientId, what, purpose, at }) => ({
          at,
          client: pages.texts.has(`account.access.office.${clientId}`)
            ? t(`account.access.office.${clientId}`)
            : await clientName(deps, ctx, clientId),
          what: what.map((name) => word('what', name)),
          purpose: word('purpose', purpose),
        })),
      ),
      first: after === undefined,
      next: next && `${next.at.getTime()}.${next.id}`,
    });
  });
}
