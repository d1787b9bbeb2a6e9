/** Where "now" comes from. Passed to whatever needs the time, so that tests and the sandbox can move it. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

const RealDate = Date;

/**
 * Moves the time of this whole process.
 *
 * `oidc-provider` and `openid-client` read `Date.now()` and accept no clock, so a clock that only our own
 * code obeyed would let a code expire in one half of a request and not in the other. Used by tests and by
 * the sandbox; production never calls it (docs/decisions/0002-one-movable-clock.md).
 *
 * @param offset milliseconds to add to the machine's time; 0 puts it back.
 */
export function shiftProcessClock(offset: number): void {
  if (offset === 0) {
    globalThis.Date = RealDate;
    return;
  }
  const shifted = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now() + offset] : args, newTarget),
    apply: () => new RealDate(RealDate.now() + offset).toString(),
    get: (target, property, receiver) =>
      property === 'now' ? () => RealDate.now() + offset : Reflect.get(target, property, receiver),
  });
  globalThis.Date = shifted;
}

/** The machine's own time in milliseconds, whatever `shiftProcessClock` did. */
export const machineTime = (): number => RealDate.now();
