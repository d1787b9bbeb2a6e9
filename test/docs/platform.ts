import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSandbox } from '../../sandbox/open.ts';
import { loadPeople } from '../../sandbox/people/person.ts';
import { processes } from '../../sandbox/processes.ts';
import { settle } from '../../sandbox/settle.ts';
import { freshDatabase } from '../support/database.ts';
import { textOf } from '../support/sources.ts';

export interface Platform {
  issuer: string;
  /** Where the portal of the page is to listen. */
  portal: string;
  stop(): Promise<void>;
}

/** Those who log in on the page; an account takes time to make. */
const NEEDED = ['wang_xiulan', 'li_jianzhong'];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** Below the ports that the system hands out by itself, and those of the tests of the sandbox's start. */
let nextOffset = 7_000 + (process.pid % 450) * 20;

/**
 * What `CLIENTS_FILE=docs/examples/clients.json npm start` starts, without the portals that the pages do not need.
 * The example's portal is given a port that is free. For a hook: stop it in another.
 */
export async function startPlatform(t: ExecutionContext<unknown>): Promise<Platform> {
  const dataDir = mkdtempSync(join(tmpdir(), 'yimatong-docs-'));
  chmodSync(dataDir, 0o711);
  const portal = `http://localhost:${await freePort()}`;
  const clientsFile = join(dataDir, 'my-clients.json');
  writeFileSync(
    clientsFile,
    textOf('docs/examples/clients.json').replaceAll('http://localhost:8080', portal),
  );
  const peopleFile = join(dataDir, 'people.json');
  const people = loadPeople().filter(({ username }) => NEEDED.includes(username));
  writeFileSync(peopleFile, JSON.stringify(people));
  const { url } = await freshDatabase(t);
  const portOffset = nextOffset;
  nextOffset += 20;
  const sandbox = await openSandbox({
    dataDir,
    portOffset,
    databaseUrl: url,
    given: { CLIENTS_FILE: clientsFile, OUTBOUND_ALLOW: portal },
    programs: (plan) =>
      processes(plan)
        .filter(({ name }) => name === 'identity provider' || name === 'authorities')
        .map((program) => {
          const own = program.name === 'identity provider' && { SANDBOX_PEOPLE_FILE: peopleFile };
          return { ...program, env: { ...program.env, CLOCK_PEERS: '', LOG_LEVEL: 'warn', ...own } };
        }),
    prepare: settle,
  });
  return {
    issuer: `http://localhost:${3000 + portOffset}`,
    portal,
    async stop() {
      await sandbox.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
