import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './lock.ts';

/** How long a server may take to shut down or to become ready. */
export const PATIENCE = 10_000;

/** What a running server writes to `postmaster.pid`: process, port, and whether it takes connections. */
export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

/** Reads `postmaster.pid` (lines as in PostgreSQL's `pidfile.h`); `undefined` when no server wrote one. */
export function readPostmaster(home: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(home, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/** Whether that process really is a server on these data; after a reboot the number may be anybody's. */
function servesData(pid: number, home: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(home);
  } catch {
    try {
      return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(home);
    } catch {
      return false;
    }
  }
}

/** Waits until the process is gone; false when it outlived `milliseconds`. */
async function gone(pid: number, milliseconds: number): Promise<boolean> {
  for (let waited = 0; waited < milliseconds; waited += 20) {
    if (!isAlive(pid)) return true;
    await sleep(20);
  }
  return !isAlive(pid);
}

/** Stops a server: first letting it finish its writes, then (it recovers at the next start) at once. */
export async function stopServer(pid: number): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', PATIENCE],
    ['SIGQUIT', 2_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    if (await gone(pid, patience)) return;
  }
  throw new Error(`The PostgreSQL server with process id ${pid} does not stop. End it, then try again.`);
}

/**
 * Stops the server that a killed start left behind on these data, and removes a `postmaster.pid` that names
 * somebody else's process.
 */
export async function stopLeftover(home: string): Promise<void> {
  const postmaster = readPostmaster(home);
  if (postmaster === undefined) return;
  if (isAlive(postmaster.pid) && servesData(postmaster.pid, home)) await stopServer(postmaster.pid);
  rmSync(join(home, 'postmaster.pid'), { force: true });
}
