import type { Context } from 'koa';
import { hasFreshSim } from '../../assurance/fresh-sim.ts';
import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { isSamePerson } from '../../citizens/same-person.ts';
import { findByIdentifier, readCitizen } from '../../citizens/store.ts';
import type { Queryable } from '../../platform/database.ts';
import { lifetimes } from '../../platform/lifetimes.ts';
import { Problem } from '../../platform/problem.ts';
import { barTo } from '../account-bars.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { seeOther } from '../paths.ts';
import { showStop } from '../stop.ts';
import { issueTicket, ticketOf } from '../ticket.ts';
import type { RecoveryTools } from './recover.ts';
import { nextRecoveryStep, type RecoveryFile, type RecoveryStep } from './steps.ts';
import { lockRecovery, type Recovery, readRecovery, saveRecovery } from './store.ts';

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

/** What `recover.ts` works with, made of what the room has. */
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

  /**
   * Changes the newest file while nobody else does, unless `change` gives none back. `citizenId`: whose account it
   * turned out to be.
   *
   * @returns the recovery with it; nothing when it was not changed, or is decided or gone.
   */
  const change = (
    { id }: Pick<Recovery, 'id'>,
    change: (tx: Queryable, newest: Recovery) => Promise<RecoveryFile | undefined>,
    citizenId?: string,
  ): Promise<Recovery | undefined> =>
    db.transaction(async (tx) => {
      const newest = await lockRecovery(tx, cipher, id, 'started', 'proved');
      const file = newest && (await change(tx, newest));
      if (!file) return undefined;
      await saveRecovery(tx, cipher, { id, file, citizenId });
      return { ...newest, file, citizenId: citizenId ?? newest.citizenId };
    });

  /**
   * Whether the SIM of a phone was changed so lately that its code proves little.
   *
   * @returns nothing when the carrier does not answer.
   */
  async function askSim(phone: string): Promise<boolean | undefined> {
    try {
      return await hasFreshSim(carrier, phone, clock());
    } catch (error) {
      if (!(error instanceof AuthorityUnavailable)) throw error;
      return undefined;
    }
  }

  /**
   * The person is who they say. Only now is it looked up whether they have an account, and which phone its code
   * goes to; then it goes on, or says why it cannot.
   */
  async function identify(ctx: Context, recovery: Recovery): Promise<void> {
    const { kind } = recovery;
    const found = await findByIdentifier(db, cipher, recovery.file.idNumber);
    const citizen = found && (await readCitizen(db, cipher, found.citizenId));
    if (!citizen?.accountState) {
      const register = { label: 'frontDoor.register.start', href: '/register' };
      return showStop(deps, ctx, new Problem('no_account', 404), [register, START_AGAIN]);
    }
    if (!isSamePerson(citizen, recovery.file)) {
      return showStop(deps, ctx, new Problem('document_shared', 409), [START_AGAIN]);
    }
    const bar = barTo(citizen);
    if (bar) return showStop(deps, ctx, bar, []);
    const { phone } = citizen;
    const asked = kind === 'password' && phone !== undefined && phone !== recovery.file.phone;
    const freshSim = asked ? await askSim(phone) : undefined;
    const known = await change(
      recovery,
      async (_tx, { file }) => {
        if (kind === 'phone' || phone === file.phone) return file;
        // What another phone answered says nothing of this one.
        const { phone: _1, freshSim: _2, phoneConfirmedAt: _3, withoutCode: _4, ...rest } = file;
        return phone === undefined ? rest : { ...rest, phone, freshSim: freshSim ?? 'unknown' };
      },
      citizen.id,
    );
    if (known) goOn(ctx, known);
    else seeOther(ctx, '/recover/status');
  }

  return {
    find,
    goOn,
    change,
    askSim,
    identify,
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
      } else if (recovery.file.proofs.length > 0 && recovery.citizenId === undefined) {
        await identify(ctx, recovery);
      } else if (!steps.includes(nextRecoveryStep(recovery.kind, recovery.file))) {
        goOn(ctx, recovery);
      } else {
        return recovery;
      }
      return undefined;
    },
  };
}
