/**
 * Does something for each of many, one after the other. What fails for one keeps no other waiting.
 *
 * @param what of the message, such as `some letters could not be sent`.
 * @throws AggregateError with everything that failed, after all were tried.
 */
export async function tryEach<One>(
  many: readonly One[],
  what: string,
  act: (one: One) => Promise<unknown>,
): Promise<void> {
  const faults: unknown[] = [];
  for (const one of many) {
    try {
      await act(one);
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, what);
}
