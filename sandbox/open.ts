import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../src/platform/migrations.ts';
import { startChildren } from './children.ts';
import { checkPorts } from './ports.ts';
import { takeLock } from './postgres/lock.ts';
import { startPostgres } from './postgres/start.ts';
import type { Plan, Program } from './processes.ts';

export interface SandboxOptions {
  /** Folder of everything that the sandbox keeps. */
  dataDir: string;
  portOffset: number;
  /** A database to use instead of one of our own. */
  databaseUrl: string | undefined;
  given: Plan['given'];
  neighbour?: boolean;
  /** The processes, once the database is known. */
  programs(plan: Plan): Program[];
  /** Done once the database is migrated, before any process starts. */
  prepare?(programs: readonly Program[]): Promise<void>;
}

export interface Sandbox {
  programs: Program[];
  /** Resolves with a sentence when one of the processes, or the database, ends by itself. */
  died: Promise<string>;
  stop(): Promise<void>;
}

export const START_LOCK = 'start.lock';

const needsDatabase = ({ env }: Program): boolean => env.DATABASE_URL !== undefined;

type Undo = () => unknown;

/** Undoes what was done, last first, whatever fails on the way. */
async function undoAll(steps: Undo[]): Promise<void> {
  for (const undo of steps.reverse()) {
    try {
      await undo();
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`);
    }
  }
}

/**
 * Starts the whole sandbox: database and migrations, beside them what needs no database, then the rest.
 *
 * @throws Error with a sentence for the developer; nothing is then left running.
 */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dataDir, portOffset, given } = options;
  mkdirSync(dataDir, { recursive: true });
  const lock = takeLock(join(dataDir, START_LOCK));
  if ('heldBy' in lock) {
    throw new Error(
      `The sandbox already runs in this folder, as process ${lock.heldBy}. Stop that one first (Ctrl-C where it runs).`,
    );
  }
  const steps: Undo[] = [lock.release];
  try {
    const { neighbour = false } = options;
    const plan = { dataDir, portOffset, neighbour, given, databaseUrl: options.databaseUrl ?? '' };
    const logDir = join(dataDir, 'log');
    const withoutDatabase = options.programs(plan).filter((program) => !needsDatabase(program));
    await checkPorts(options.programs(plan));
    // What does without the database starts beside it.
    const early = startChildren(withoutDatabase, logDir);
    steps.push(() => early.stop());

    let databaseEnded = new Promise<string>(() => {});
    if (!options.databaseUrl) {
      const postgres = await startPostgres({ dataDir: join(dataDir, 'postgres'), durable: true });
      steps.push(() => postgres.stop());
      plan.databaseUrl = postgres.url;
      databaseEnded = new Promise((resolve) => {
        postgres.process.once('exit', () =>
          resolve(`The database ended. The end of its story is in ${join(dataDir, 'postgres.log')}.`),
        );
      });
      // So that other commands can be pointed at it: DATABASE_URL=$(cat .data/database-url) npm run …
      const urlFile = join(dataDir, 'database-url');
      writeFileSync(urlFile, postgres.url, { mode: 0o600 });
      steps.push(() => rmSync(urlFile, { force: true }));
    }
    await migrate(plan.databaseUrl);

    const programs = options.programs(plan);
    await options.prepare?.(programs);
    const late = startChildren(programs.filter(needsDatabase), logDir);
    steps.push(() => late.stop());
    await Promise.all([late.ready, early.ready]);
    return {
      programs,
      died: Promise.race([early.died, late.died, databaseEnded]),
      stop: () => undoAll(steps),
    };
  } catch (error) {
    await undoAll(steps);
    throw error;
  }
}
