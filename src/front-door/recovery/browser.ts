import type { Context } from 'koa';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { seeOther } from '../paths.ts';
import { showStop } from '../stop.ts';
import { issueTicket, ticketOf } from '../ticket.ts';
import type { RecoveryTools } from './recover.ts';
import { isFreshSim, nextRecoveryStep, type RecoveryFile, type RecoveryStep } from './steps.ts';
import { type Recovery, readRecovery, saveRecovery } from './store.ts';

const COOKIE = 'ymt_recovery';

/** Where each step of a recovery is. */
const PAGES: Record<RecoveryStep, string> = {
  prove: '/recover/prove',
  prove_again: '/recover/prove',
  phone: '/recover/phone',
  code: '/recover/code',
  password: '/recover/password',
  confirm: '/recover/confirm',
};

export const START_AGAIN = { label: 'frontDoor.recover.again', href: '/recover' };

/** What `recovery.ts` works with, made of what the room has. */
export const toolsOf = (deps: FrontDoorDeps): RecoveryTools => ({
  cipher: deps.cipher,
  origin: deps.origin,
  translator: (locale) => deps.pages.texts.translator(locale),
  enqueueLogout: deps.enqueueLogout,
});

/** Finds and keeps the recovery of the browser that asks. */
export function recoveryKeeper(deps: FrontDoorDeps) {
  const { db, cipher, clock, carrier } = deps;
  const find = (ctx: Context): Promise<Recovery | undefined> =>
    readRecovery(db, cipher, ticketOf(ctx, COOKIE), clock());

  /** On to whatever comes next. */
  function goOn(ctx: Context, recovery: Pick<Recovery, 'kind' | 'file'>): void {
    seeOther(ctx, PAGES[nextRecoveryStep(recovery.kind, recovery.file)]);
  }

  return {
    find,
    goOn,
    /** The ticket outlives the wait, so that its browser can see it end. */
    newTicket: (ctx: Context): Buffer => issueTicket(ctx, COOKIE, lifetimes.lostPhoneWait + lifetimes.draft),

    /**
     * The recovery, if one of `steps` is where it stands. Otherwise the browser is sent to where it does stand,
     * or told that there is none.
     */
    async at(ctx: Context, ...steps: RecoveryStep[]): Promise<Recovery | undefined> {
      const recovery = await find(ctx);
      if (recovery === undefined) {
        showStop(deps, ctx, new Problem('recovery_expired', 410), [START_AGAIN]);
      } else if (recovery.state !== 'started' && recovery.state !== 'proved') {
        seeOther(ctx, '/recover/status');
      } else if (!steps.includes(nextRecoveryStep(recovery.kind, recovery.file))) {
        goOn(ctx, recovery);
      } else {
        return recovery;
      }
      return undefined;
    },

    /**
     * Whether the SIM of a phone was changed so lately that its code proves little.
     *
     * @returns nothing when the carrier does not answer.
     */
    async askSim(phone: string): Promise<boolean | undefined> {
      try {
        return isFreshSim(await carrier.simChangedAt(phone), clock(), lifetimes.freshSim);
      } catch (error) {
        if (!(error instanceof AuthorityUnavailable)) throw error;
        return undefined;
      }
    },

    /** Keeps a changed file. @returns the recovery with it. */
    async keep(recovery: Recovery, change: Partial<RecoveryFile>, citizenId?: string): Promise<Recovery> {
      const file = { ...recovery.file, ...change };
      await saveRecovery(db, cipher, { id: recovery.id, file, citizenId });
      return { ...recovery, file, citizenId: citizenId ?? recovery.citizenId };
    },
  };
}
