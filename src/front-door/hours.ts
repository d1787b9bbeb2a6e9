import { type LifetimeName, lifetimes } from '../platform/lifetimes.ts';

/** A lifetime in force as whole hours, for the texts that name it: what is promised is what is done. */
export const hoursOf = (name: LifetimeName): number => Math.max(1, Math.round(lifetimes[name] / 3600));
