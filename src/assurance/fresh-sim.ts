import type { Carrier } from '../authorities/carrier.ts';
import { lifetimes } from '../platform/lifetimes.ts';

/** Whether a SIM changed so lately that a code sent to it proves little. `seconds`: how long that lasts. */
export const isFreshSim = (changedAt: Date | undefined, now: Date, seconds = lifetimes.freshSim): boolean =>
  changedAt !== undefined && now.getTime() - changedAt.getTime() < seconds * 1000;

/** Asks the carrier whether the SIM of `phone` is such a one. @throws AuthorityUnavailable */
export const hasFreshSim = async (
  carrier: Pick<Carrier, 'simChangedAt'>,
  phone: string,
  now: Date,
): Promise<boolean> => isFreshSim(await carrier.simChangedAt(phone), now);
