import { openSandbox, type Sandbox, type SandboxOptions } from './open.ts';
import type { Program } from './processes.ts';

/** Ends this process with a sentence for the developer. */
export function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

const ended = async (sandbox: Sandbox): Promise<never> => {
  await sandbox.stop();
  process.exit(0);
};

/**
 * The life of `npm start`: opens the sandbox, prints one line that begins with `ready`, and stays until a signal
 * stops all, or until a process dies, which stops all others too.
 *
 * @param describe what follows `ready`.
 */
export async function runSandbox(
  options: SandboxOptions,
  describe: (programs: readonly Program[]) => string,
): Promise<void> {
  let sandbox: Sandbox | undefined;
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    // While it still starts, the start is finished first: half of it cannot be stopped cleanly.
    if (sandbox) void ended(sandbox);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

  try {
    sandbox = await openSandbox(options);
  } catch (error) {
    fail((error as Error).message);
  }
  if (ending) await ended(sandbox);
  process.stdout.write(`ready ${describe(sandbox.programs)}\n`);

  const sentence = await sandbox.died;
  if (ending) return;
  ending = true;
  process.stderr.write(`${sentence}\nEverything else is stopped.\n`);
  await sandbox.stop();
  process.exit(1);
}
