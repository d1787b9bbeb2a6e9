import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './processes.ts';

/** Longer than `guard.ts` gives a program to end by itself. */
const PATIENCE = 4_000;

/** Whether somebody listens on it, on every address or on this machine only. */
async function isTaken(port: number): Promise<boolean> {
  for (const host of [undefined, '127.0.0.1']) {
    const taken = await new Promise<boolean>((decide, fail) => {
      const server = createServer()
        .once('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'EADDRINUSE') decide(true);
          else fail(error);
        })
        .listen({ port, host }, () => server.close(() => decide(false)));
    });
    if (taken) return true;
  }
  return false;
}

/**
 * Makes sure that every program's port is free. Processes of a start that was killed need a moment to go.
 *
 * @throws Error that says which is taken and what to do.
 */
export async function checkPorts(programs: readonly Program[]): Promise<void> {
  for (let waited = 0; ; waited += 100) {
    const taken: Program[] = [];
    for (const program of programs) if (await isTaken(program.port)) taken.push(program);
    if (taken.length === 0) return;
    if (waited >= PATIENCE) {
      const which = taken.map(({ name, port }) => `${port} (${name})`).join(', ');
      throw new Error(
        `Another program listens on port ${which}. Stop it, or choose other ports: ` +
          'PORT_OFFSET=100 npm start uses 3100, 3101 and so on.',
      );
    }
    await sleep(100);
  }
}
