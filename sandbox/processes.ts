import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SANDBOX_KEYS } from './keys.ts';
import { peersOf } from './neighbours.ts';

/** One process of the sandbox: a script that listens on a port and answers `/healthz`. */
export interface Program {
  name: string;
  port: number;
  /** Path of the script. */
  script: string;
  /** Variables besides those of the supervisor. */
  env: Readonly<Record<string, string>>;
}

export interface Plan {
  databaseUrl: string;
  /** Folder for files that are made at start. */
  dataDir: string;
  /** Added to every port, so that several sandboxes fit on one machine. */
  portOffset: number;
  /** Whether it is the neighbouring province, with which health files are exchanged. */
  neighbour?: boolean;
  /** What the developer set; public addresses and files of it win. */
  given: Readonly<Record<string, string | undefined>>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const PORTALS = [
  { name: '甲市 city A', look: 'city-a', port: 3001, url: 'CITY_A_URL' },
  { name: '乙市 city B', look: 'city-b', port: 3002, url: 'CITY_B_URL' },
  { name: '人社 social security', look: 'hrss', port: 3003, url: 'HRSS_URL' },
  { name: '税务 tax', look: 'tax', port: 3004, url: 'TAX_URL' },
] as const;

type Look = (typeof PORTALS)[number]['look'];

/** How each portal proves who it is; the public halves are in `clients.json`. */
const CREDENTIALS: Record<Look, Record<string, string>> = {
  'city-a': {
    CLIENT_ID: 'city-a',
    CLIENT_KEY_FILE: here('keys/city-a.json'),
    EPIDEMIC_CLIENT_ID: 'city-a-epidemic',
    EPIDEMIC_KEY_FILE: here('keys/city-a-epidemic.json'),
  },
  'city-b': { CLIENT_ID: 'city-b', CLIENT_SECRET: 'sandbox-secret-of-city-b-0123456789abcdef' },
  hrss: { CLIENT_ID: 'hrss', CLIENT_KEY_FILE: here('keys/hrss.json') },
  tax: { CLIENT_ID: 'tax', CLIENT_KEY_FILE: here('keys/tax.json') },
};

/** The ports of a sandbox, before the offset. */
export const PORTS = [3000, ...PORTALS.map(({ port }) => port), 3010];

const local = (port: number) => `http://localhost:${port}`;

/** The relying parties of the sandbox at their real addresses. */
function clientsFile({ dataDir }: Plan, moved: ReadonlyMap<string, string>): string {
  const ours = here('clients.json');
  if (![...moved].some(([from, to]) => from !== to)) return ours;
  const text = readFileSync(ours, 'utf8').replace(/http:\/\/localhost:\d+/g, (url) => moved.get(url) ?? url);
  const file = join(dataDir, 'clients.json');
  writeFileSync(file, text);
  return file;
}

/** The processes of the whole sandbox. */
export function processes(plan: Plan): Program[] {
  const { given, portOffset, databaseUrl, dataDir } = plan;
  const at = (port: number) => port + portOffset;
  const issuer = given.ISSUER ?? local(at(3000));
  const authorities = local(at(3010));
  const urls = Object.fromEntries(PORTALS.map(({ url, port }) => [url, given[url] ?? local(at(port))]));
  const moved = new Map(PORTALS.map(({ url, port }) => [local(port), urls[url]!]));
  const matters = given.MATTERS_FILE ?? here('matters.json');
  const host = given.SANDBOX_HOST ?? 'localhost';

  const peersFile = join(dataDir, 'peers.json');
  writeFileSync(peersFile, JSON.stringify(peersOf(plan)));

  const identityProvider: Program = {
    name: 'identity provider',
    port: at(3000),
    script: here('../src/main.ts'),
    env: {
      ...SANDBOX_KEYS,
      SANDBOX: '1',
      ISSUER: issuer,
      PORT: String(at(3000)),
      HOST: host,
      DATABASE_URL: databaseUrl,
      SANDBOX_CLIENTS_FILE: clientsFile(plan, moved),
      ...(given.CLIENTS_FILE && { CLIENTS_FILE: given.CLIENTS_FILE }),
      HEALTH_PEERS_FILE: given.HEALTH_PEERS_FILE ?? peersFile,
      ...(existsSync(matters) && { MATTERS_FILE: matters }),
      OUTBOUND_ALLOW: [...new Set(moved.values()), given.OUTBOUND_ALLOW ?? ''].join(','),
      AUTHORITIES_URL: authorities,
      SMS_URL: authorities,
      SANDBOX_PEOPLE_FILE: here('people.json'),
      SANDBOX_PROVINCES: '39',
    },
  };
  const portals = PORTALS.map(
    ({ name, look, port, url }): Program => ({
      name,
      port: at(port),
      script: here('portal/main.ts'),
      env: {
        ...CREDENTIALS[look],
        ...urls,
        LOOK: look,
        PORT: String(at(port)),
        HOST: host,
        ORIGIN: urls[url]!,
        ISSUER: issuer,
        AUTHORITIES_URL: authorities,
        SANDBOX: '1',
      },
    }),
  );
  const simulator: Program = {
    name: 'authorities',
    port: at(3010),
    script: here('authorities/main.ts'),
    env: {
      PORT: String(at(3010)),
      HOST: host,
      PUBLIC_URL: authorities,
      ISSUER: issuer,
      PEOPLE_FILE: here('people.json'),
      CLOCK_PEERS: [identityProvider, ...portals].map(({ port }) => local(port)).join(','),
      SANDBOX: '1',
    },
  };
  return [identityProvider, ...portals, simulator];
}
