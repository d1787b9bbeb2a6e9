import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSandbox } from '../sandbox/open.ts';
import { loadPeople } from '../sandbox/people/person.ts';
import { removePostgres } from '../sandbox/postgres/remove.ts';
import { processes } from '../sandbox/processes.ts';
import { settle } from '../sandbox/settle.ts';
import { CLIENT, OUR_CLIENT } from './client.ts';
import type { Person } from './user-agent.ts';

export interface Server {
  issuer: string;
  stop(): Promise<void>;
}

/** Ours, as `npm start` runs it, on a PostgreSQL that keeps what it acknowledges. */
export async function startOurs(): Promise<Server & { person: Person }> {
  const dataDir = mkdtempSync(join(realpathSync(tmpdir()), 'yimatong-bench-'));
  const clientsFile = join(dataDir, 'bench-clients.json');
  writeFileSync(clientsFile, JSON.stringify([OUR_CLIENT]));
  // Below the ports that systems give to outgoing connections.
  const portOffset = 10_000 + (process.pid % 1_800) * 10;
  const sandbox = await openSandbox({
    dataDir,
    portOffset,
    databaseUrl: undefined,
    given: { CLIENTS_FILE: clientsFile },
    programs: (plan) =>
      processes(plan).filter(({ name }) => ['identity provider', 'authorities'].includes(name)),
    prepare: settle,
  });
  const someone = loadPeople().find(({ fixed_code, level }) => fixed_code && level === 'basic');
  if (!someone?.username || !someone.password || !someone.fixed_code) throw new Error('nobody can log in');
  return {
    issuer: `http://localhost:${3000 + portOffset}`,
    person: { username: someone.username, password: someone.password, code: someone.fixed_code },
    async stop() {
      await sandbox.stop();
      await removePostgres(join(dataDir, 'postgres'));
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The library alone, with its in-memory adapter. */
export async function startBare(): Promise<Server> {
  const port = await freePort();
  const child = fork(new URL('bare-provider.ts', import.meta.url), {
    env: { ...process.env, PORT: String(port), CLIENTS: JSON.stringify([CLIENT]), NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return {
    issuer: `http://localhost:${port}`,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
