/**
 * Runs `operation` from `workers` at once for `milliseconds`, after a warm-up of a quarter of that.
 *
 * @returns operations a second
 * @throws the first error of an operation: a rate with failures in it means nothing
 */
export async function measure(
  operation: (worker: number) => Promise<void>,
  { workers, milliseconds }: { workers: number; milliseconds: number },
): Promise<number> {
  await during(operation, workers, milliseconds / 4);
  const started = performance.now();
  const count = await during(operation, workers, milliseconds);
  return (count * 1000) / (performance.now() - started);
}

async function during(
  operation: (worker: number) => Promise<void>,
  workers: number,
  milliseconds: number,
): Promise<number> {
  const until = performance.now() + milliseconds;
  let count = 0;
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (performance.now() < until) {
        await operation(worker);
        count += 1;
      }
    }),
  );
  return count;
}

/** The middle value; of an even number of values the upper one of the two. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
