import test, { type ExecutionContext } from 'ava';

/**
 * One world for the tests of a file that change nothing for one another: each brings people of its own, and none
 * moves the clock, counts what all have done or takes anything down.
 *
 * @param start - makes the world before the first test; its teardowns run after the last.
 * @returns the world, for use inside of tests
 */
export function sharedWorld<World>(start: (t: ExecutionContext<unknown>) => Promise<World>): () => World {
  const ends: (() => unknown)[] = [];
  let world: World | undefined;
  test.before(async (t) => {
    const context = Object.create(t, {
      title: { value: 'the world that tests share' },
      teardown: { value: (end: () => unknown) => void ends.unshift(end) },
    }) as ExecutionContext<unknown>;
    world = await start(context);
  });
  test.after.always(async () => {
    for (const end of ends) await end();
  });
  return () => {
    if (world === undefined) throw new Error('the shared world is made before the first test, not earlier');
    return world;
  };
}
