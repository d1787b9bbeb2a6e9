import { randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import clients from '../../../sandbox/clients.json' with { type: 'json' };
import { startPortal } from '../../../sandbox/portal/server.ts';
import { type Credentials, LOOKS, type Look, readKey } from '../../../sandbox/portal/settings.ts';

export const keyOf = (clientId: string) =>
  readKey(fileURLToPath(new URL(`../../../sandbox/keys/${clientId}.json`, import.meta.url)));

const credentialsOf = (clientId: string): Credentials => {
  const secret = clients.find(({ client_id }) => client_id === clientId)?.client_secret;
  return secret ? { clientId, secret } : { clientId, key: keyOf(clientId) };
};

/** Below the range from which systems hand out ports, so that no other test is given one in between. */
const LOWEST = 12_000;
const HIGHEST = 32_000;

async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    const port = randomInt(LOWEST, HIGHEST);
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, 'localhost', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Ports that are free and stay so. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

const SHIPPED: Record<Look, string> = {
  'city-a': 'http://localhost:3001',
  'city-b': 'http://localhost:3002',
  hrss: 'http://localhost:3003',
  tax: 'http://localhost:3004',
};

/** Where the four portals of a test will be, and their clients file for that place. */
export async function plannedPortals() {
  const ports = await freePorts(LOOKS.length);
  const origins = Object.fromEntries(
    LOOKS.map((look, i) => [look, `http://localhost:${ports[i]}`]),
  ) as Record<Look, string>;
  const moved = LOOKS.reduce(
    (text, look) => text.replaceAll(SHIPPED[look], origins[look]),
    JSON.stringify(clients),
  );
  return { origins, clients: JSON.parse(moved) as object[] };
}

/** Starts the portals named, in this process, against any issuer; closed at the end of the test. */
export async function startPortals(
  t: ExecutionContext<unknown>,
  issuer: string,
  origins: Record<Look, string>,
  looks: readonly Look[] = LOOKS,
): Promise<void> {
  for (const look of looks) {
    const portal = await startPortal({
      look,
      port: Number(new URL(origins[look]).port),
      host: 'localhost',
      origin: origins[look],
      issuer,
      main: credentialsOf(look),
      epidemic: look === 'city-a' ? credentialsOf('city-a-epidemic') : undefined,
      links: origins,
    });
    t.teardown(portal.close);
  }
}
