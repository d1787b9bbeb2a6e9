import type { Context } from 'koa';
import type { Queryable } from '../../platform/database.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { showStop } from '../stop.ts';
import { issueTicket, ticketOf } from '../ticket.ts';
import type { Draft } from './draft.ts';
import { tooYoung } from './form.ts';
import { lockDraft, readDraft, type StoredDraft, saveDraft } from './store.ts';

export const REGISTRATION_COOKIE = 'ymt_registration';

/** An open draft and the ticket that it is found by. */
export interface Open {
  ticket: Buffer;
  draft: Draft;
}

/** Until when a draft that begins now waits for its person to come back. */
export const draftExpiry = (now: Date): Date => new Date(now.getTime() + lifetimes.draft * 1000);

/** Finds and keeps the draft of the browser that asks. */
export function draftKeeper(deps: FrontDoorDeps) {
  const { db, cipher, clock } = deps;

  async function stored(ctx: Context): Promise<{ ticket: Buffer; found: StoredDraft } | undefined> {
    const ticket = ticketOf(ctx, REGISTRATION_COOKIE);
    const found = await readDraft(db, cipher, ticket, clock());
    return found && ticket ? { ticket, found } : undefined;
  }

  /** On to the interaction that the registration began in, or to its last page. */
  const finished = (ctx: Context, interactionUid: string | undefined): void =>
    seeOther(ctx, interactionUid ? `${interactionPath(interactionUid)}/registered` : '/register/done');

  return {
    stored,
    finished,

    /** This browser's open draft. */
    async open(ctx: Context): Promise<Open | undefined> {
      const one = await stored(ctx);
      return one?.found.state === 'open' ? { ticket: one.ticket, draft: one.found.draft } : undefined;
    },

    /**
     * The open draft of somebody old enough; a finished one goes on to its end, and whoever has none or is too
     * young is told why. A child's draft stays, because the number may have been mistyped.
     */
    async need(ctx: Context): Promise<Open | undefined> {
      const one = await stored(ctx);
      if (one?.found.state === 'open') {
        const { draft } = one.found;
        if (!tooYoung(draft.birthDate, clock())) return { ticket: one.ticket, draft };
        showStop(deps, ctx, new Problem('too_young', 403), [
          { label: 'frontDoor.register.guardian', href: '/account' },
          { label: 'frontDoor.register.edit', href: '/register?edit=1' },
        ]);
        return undefined;
      }
      if (one) finished(ctx, one.found.interactionUid);
      else {
        const start = { label: 'frontDoor.register.start', href: '/register' };
        showStop(deps, ctx, new Problem('registration_expired', 410), [start]);
      }
      return undefined;
    },

    /** Keeps a draft that begins now. */
    keep: (ticket: Buffer, draft: Draft): Promise<void> =>
      saveDraft(db, cipher, ticket, draft, draftExpiry(clock())),

    /**
     * Changes the newest draft while nobody else does, unless `change` gives none back.
     *
     * @returns the changed one; nothing when it was not changed, or is finished or gone.
     */
    change: (
      ticket: Buffer,
      change: (tx: Queryable, draft: Draft) => Promise<Draft | undefined>,
    ): Promise<Open | undefined> =>
      db.transaction(async (tx) => {
        const now = clock();
        const found = await lockDraft(tx, cipher, ticket, now);
        const draft = found?.state === 'open' ? await change(tx, found.draft) : undefined;
        if (draft) await saveDraft(tx, cipher, ticket, draft, draftExpiry(now));
        return draft && { ticket, draft };
      }),

    newTicket: (ctx: Context): Buffer => issueTicket(ctx, REGISTRATION_COOKIE, lifetimes.draft),
  };
}
