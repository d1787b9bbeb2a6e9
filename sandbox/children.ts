import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './processes.ts';

const READY_WITHIN = 60_000;
const STOP_WITHIN = 5_000;
const GUARD = new URL('guard.ts', import.meta.url).href;

export interface Children {
  /** Resolves when all answer; rejects with a sentence about the first one that ended or never answered. */
  ready: Promise<void>;
  /** Resolves with a sentence when a program ends that was not stopped. */
  died: Promise<string>;
  stop(): Promise<void>;
}

interface Child {
  program: Program;
  process: ChildProcess;
  logFile: string;
  ended: Promise<void>;
}

const hasEnded = ({ process: { exitCode, signalCode } }: Child) => exitCode !== null || signalCode !== null;

function launch(program: Program, logDir: string): Child {
  const logFile = join(logDir, `${program.port}.log`);
  const log = openSync(logFile, 'w', 0o600);
  const child = spawn(process.execPath, ['--import', GUARD, program.script], {
    env: { NODE_COMPILE_CACHE: join(logDir, '../compile-cache'), ...process.env, ...program.env },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  return { program, process: child, logFile, ended };
}

/** What ended, how, and the last it wrote. */
function obituary({ program, process: { exitCode, signalCode }, logFile }: Child): string {
  const how = signalCode ? `was ended by ${signalCode}` : `ended with exit code ${exitCode}`;
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15);
  return `The ${program.name} on port ${program.port} ${how}. The end of ${logFile}:\n${lines.join('\n')}`;
}

const answers = (port: number) =>
  new Promise<boolean>((decide) => {
    const asked = request(
      { port, path: '/healthz', timeout: 2_000, headers: { connection: 'close' } },
      (response) => {
        response.resume();
        decide(response.statusCode === 200);
      },
    );
    asked.once('error', () => decide(false)).once('timeout', () => asked.destroy());
    asked.end();
  });

/** Waits until the program answers its health check, or says `ready` itself. */
async function ready(child: Child): Promise<void> {
  let told = false;
  child.process.once('message', (message) => {
    told = message === 'ready';
  });
  for (let waited = 0; waited < READY_WITHIN; waited += 50) {
    if (hasEnded(child)) throw new Error(obituary(child));
    if (told || (await answers(child.program.port))) return;
    await sleep(50);
  }
  const { name, port } = child.program;
  throw new Error(`The ${name} on port ${port} does not answer /healthz. Look into ${child.logFile}.`);
}

async function stop(children: readonly Child[]): Promise<void> {
  for (const child of children) child.process.kill('SIGTERM');
  const all = Promise.all(children.filter((child) => !hasEnded(child)).map(({ ended }) => ended));
  await Promise.race([all, sleep(STOP_WITHIN, undefined, { ref: false })]);
  for (const child of children) if (!hasEnded(child)) child.process.kill('SIGKILL');
  await all;
}

/**
 * Launches the programs, each in a process of its own with this very Node. Their output goes to one file each.
 */
export function startChildren(programs: readonly Program[], logDir: string): Children {
  mkdirSync(logDir, { recursive: true });
  const children = programs.map((program) => launch(program, logDir));
  let stopping = false;
  const died = new Promise<string>((resolve) => {
    for (const child of children) {
      child.ended.then(() => {
        if (!stopping) resolve(obituary(child));
      });
    }
  });
  const all = Promise.all(children.map(ready)).then(() => {});
  // It may fail before anybody waits for it.
  all.catch(() => {});
  return {
    ready: all,
    died,
    stop() {
      stopping = true;
      return stop(children);
    },
  };
}
