import { spawnSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Whether a process with this id runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When the process was started, in the system's own words: with the pid it names one process for good. */
function startOf(pid: number): string {
  try {
    // The program's name is in brackets and may hold spaces; start time is field 22 of proc_pid_stat(5).
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
  }
}

interface Holder {
  pid: number;
  started: string;
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** The process that holds the lock, if one that still runs does. */
export function holderOf(file: string): number | undefined {
  const holder = readHolder(file);
  return holder && isAlive(holder.pid) && startOf(holder.pid) === holder.started ? holder.pid : undefined;
}

/**
 * Takes a lock file for this process. A lock whose holder was killed does not count.
 *
 * @returns what gives it back, or the id of the process that holds it.
 */
export function takeLock(file: string): { release(): void } | { heldBy: number } {
  const own = `${file}.${process.pid}`;
  const holder: Holder = { pid: process.pid, started: startOf(process.pid) };
  writeFileSync(own, JSON.stringify(holder), { mode: 0o600 });
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        linkSync(own, file);
        return {
          release() {
            if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
          },
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const heldBy = holderOf(file);
      if (heldBy !== undefined || attempt === 10) return { heldBy: heldBy ?? 0 };
      moveAsideIfStale(file, `${own}.stale`);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** Two that find the same stale lock must not remove each other's fresh one: look again after moving it. */
function moveAsideIfStale(file: string, aside: string): void {
  try {
    renameSync(file, aside);
    if (holderOf(aside) !== undefined) linkSync(aside, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
