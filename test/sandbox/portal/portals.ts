import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import clients from '../../../sandbox/clients.json' with { type: 'json' };
import { takeStall } from '../../../sandbox/portal/server.ts';
import { type Credentials, LOOKS, type Look, readKey } from '../../../sandbox/portal/settings.ts';

export const keyOf = (clientId: string) =>
  readKey(fileURLToPath(new URL(`../../../sandbox/keys/${clientId}.json`, import.meta.url)));

const credentialsOf = (clientId: string): Credentials => {
  const secret = clients.find(({ client_id }) => client_id === clientId)?.client_secret;
  return secret ? { clientId, secret } : { clientId, key: keyOf(clientId) };
};

const SHIPPED: Record<Look, string> = {
  'city-a': 'http://localhost:3001',
  'city-b': 'http://localhost:3002',
  hrss: 'http://localhost:3003',
  tax: 'http://localhost:3004',
};

export interface PlannedPortals {
  origins: Record<Look, string>;
  /** The sandbox's clients file for these addresses. */
  clients: object[];
  /** Opens those named against an issuer, which may only be known now. */
  open(issuer: string, looks?: readonly Look[]): void;
}

/** Takes an address for each of the four portals, in this process; closed at the end of the test. */
export async function planPortals(t: ExecutionContext<unknown>): Promise<PlannedPortals> {
  const stalls = await Promise.all(LOOKS.map(() => takeStall(0, 'localhost')));
  for (const stall of stalls) t.teardown(stall.close);
  const origins = Object.fromEntries(LOOKS.map((look, i) => [look, stalls[i]!.url])) as Record<Look, string>;
  const moved = LOOKS.reduce(
    (text, look) => text.replaceAll(SHIPPED[look], origins[look]),
    JSON.stringify(clients),
  );
  return {
    origins,
    clients: JSON.parse(moved) as object[],
    open(issuer, looks = LOOKS) {
      for (const look of looks) {
        stalls[LOOKS.indexOf(look)]!.serve({
          look,
          port: 0,
          host: 'localhost',
          origin: origins[look],
          issuer,
          main: credentialsOf(look),
          epidemic: look === 'city-a' ? credentialsOf('city-a-epidemic') : undefined,
          links: origins,
        });
      }
    },
  };
}
