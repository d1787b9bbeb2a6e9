import { z } from 'zod';
import {
  base64Key,
  cookieKeys,
  databaseAddress,
  flag,
  httpAddress,
  list,
  masterKeys,
  networks,
  origin,
  origins,
  wholeNumber,
} from './environment-formats.ts';
import type { MasterKeys } from './platform/field-encryption.ts';
import { LIFETIME_NAMES, type Lifetimes, meaningOf, readLifetimes } from './platform/lifetimes.ts';
import { LIMIT_NAMES, type LimitTable, readLimits } from './platform/limits.ts';
import { LOG_LEVELS, type LogLevel } from './platform/log.ts';

/** Every variable that the product reads, what it means, and how its value is written. */
const variables = z.object({
  NODE_ENV: z
    .enum(['production', 'development', 'test'], { error: 'must be production, development or test' })
    .default('development')
    .describe('`production` refuses everything that belongs to the sandbox.'),
  ISSUER: origin.describe('Public origin of the platform, without a path; relying parties know it by this.'),
  PORT: wholeNumber(0, 65_535).prefault('3000').describe('Port to listen on.'),
  HOST: z.string().prefault('0.0.0.0').describe('Address to listen on.'),
  DATABASE_URL: databaseAddress.describe(
    'PostgreSQL database, `postgres://user:password@host:5432/database`; `?schema=name` keeps everything in that schema.',
  ),
  DATABASE_POOL: wholeNumber(2, 500)
    .prefault('10')
    .describe('Largest number of database connections of one process.'),
  TRUSTED_PROXIES: networks
    .prefault('')
    .describe('Addresses or networks of the proxies whose `X-Forwarded-*` headers count, comma-separated.'),
  MASTER_KEYS: masterKeys.describe(
    'Keys that wrap the key of each person, `id:base64,…`: the first for new rows, the others to open old ones.',
  ),
  INDEX_KEY: base64Key.describe(
    'Key of the blind indexes of ID numbers and phones. It cannot be changed later.',
  ),
  PAIRWISE_KEY: base64Key.describe(
    'Key of the pairwise subjects. Never change it: every relying party would see strangers.',
  ),
  COOKIE_KEYS: cookieKeys.describe('Secrets of the cookies, comma-separated: the first signs, all verify.'),
  DPOP_NONCE_SECRET: base64Key.describe(
    'Secret of the DPoP nonces (RFC 9449 §8), the same in all processes.',
  ),
  CLIENTS_FILE: z.string().optional().describe('JSON file of the relying parties, read at start.'),
  HEALTH_PEERS_FILE: z
    .string()
    .optional()
    .describe(
      'JSON file of the provinces that health files are exchanged with, and the month keys; read again when it changes.',
    ),
  OUTBOUND_ALLOW: origins
    .prefault('')
    .describe(
      'Origins that a relying party may name although they are private or plain http, comma-separated.',
    ),
  AUTHORITIES_URL: httpAddress.describe(
    'Where the registers, carriers, card issuers and face checks are asked.',
  ),
  CHECK_ORIGINS: origins
    .prefault('')
    .describe(
      'Origins of the pages that checks send the browser to (face, live face, Alipay …), comma-separated; by default that of AUTHORITIES_URL. A check that would lead elsewhere is not started.',
    ),
  SMS_URL: httpAddress
    .optional()
    .describe('Where text messages are handed over; by default AUTHORITIES_URL.'),
  SANDBOX: flag
    .prefault('0')
    .describe('`1` allows sandbox keys, the movable clock, other lifetimes and limits. `npm start` sets it.'),
  SANDBOX_PEOPLE_FILE: z.string().optional().describe('JSON file of synthetic people. Sandbox only.'),
  SANDBOX_CLIENTS_FILE: z
    .string()
    .optional()
    .describe('JSON file of relying parties that those of `CLIENTS_FILE` are added to. Sandbox only.'),
  SANDBOX_PROVINCES: list
    .prefault('')
    .describe('Province codes known besides `config/provinces.json`, comma-separated. Sandbox only.'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` })
    .default('info')
    .describe(`How much is logged: ${LOG_LEVELS.join(', ')}.`),
});

type Values = z.infer<typeof variables>;

export interface Settings {
  production: boolean;
  issuer: string;
  port: number;
  host: string;
  databaseUrl: string;
  databasePool: number;
  trustedProxies: string[];
  masterKeys: MasterKeys;
  pairwiseKey: Buffer;
  cookieKeys: string[];
  dpopNonceSecret: Buffer;
  /** An entry of a later one takes the place of one with the same id in an earlier one. */
  clientsFiles: string[];
  healthPeersFile: string | undefined;
  outboundAllow: string[];
  authoritiesUrl: string;
  checkOrigins: string[];
  smsUrl: string;
  sandbox: boolean;
  sandboxPeopleFile: string | undefined;
  sandboxProvinces: string[];
  logLevel: LogLevel;
  lifetimes: Lifetimes;
  limits: LimitTable;
}

/** The environment cannot be used. The message has one line for each variable, with what to do; no values. */
export class BadEnvironment extends Error {
  override readonly name = 'BadEnvironment';
  constructor(problems: readonly string[]) {
    super(
      `The environment does not fit (docs/environment.md):\n${problems.map((line) => `  ${line}\n`).join('')}`,
    );
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const variableName = (camelCase: string) =>
  camelCase.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Sandbox keys begin with this, so that they are recognised wherever they are used (`sandbox/keys.ts`). */
const SANDBOX_MARK = 'sandbox';
const isSandboxKey = (key: Buffer | string) => key.toString('latin1').startsWith(SANDBOX_MARK);

/** What belongs to the sandbox and must not be used outside it. */
function sandboxProblems(values: Values): string[] {
  const problems: string[] = [];
  if (values.NODE_ENV === 'production') {
    if (values.SANDBOX)
      problems.push('SANDBOX must not be 1 when NODE_ENV=production. Remove one of the two.');
    for (const name of ['AUTHORITIES_URL', 'SMS_URL'] as const) {
      const url = values[name] ? new URL(values[name]) : undefined;
      if (
        url &&
        (url.protocol !== 'https:' || /^(localhost|127\..*|\[::1\]|.*\.localhost)$/.test(url.hostname))
      ) {
        problems.push(
          `${name} looks like a simulator. When NODE_ENV=production it must be https on another host.`,
        );
      }
    }
    if (values.CHECK_ORIGINS.some((each) => !each.startsWith('https:')))
      problems.push('CHECK_ORIGINS must all be https when NODE_ENV=production.');
  }
  if (values.SANDBOX && values.NODE_ENV !== 'production') return problems;
  const keys = {
    MASTER_KEYS: Object.values(values.MASTER_KEYS.keys),
    INDEX_KEY: [values.INDEX_KEY],
    PAIRWISE_KEY: [values.PAIRWISE_KEY],
    COOKIE_KEYS: values.COOKIE_KEYS,
    DPOP_NONCE_SECRET: [values.DPOP_NONCE_SECRET],
  };
  for (const [name, used] of Object.entries(keys)) {
    if (used.some(isSandboxKey)) {
      problems.push(
        `${name} holds a sandbox key, which everybody knows. Make one with: openssl rand -base64 32`,
      );
    }
  }
  if (values.SANDBOX_PEOPLE_FILE) problems.push('SANDBOX_PEOPLE_FILE works only with SANDBOX=1. Remove it.');
  if (values.SANDBOX_CLIENTS_FILE)
    problems.push('SANDBOX_CLIENTS_FILE works only with SANDBOX=1. Remove it.');
  if (values.SANDBOX_PROVINCES.length > 0)
    problems.push('SANDBOX_PROVINCES works only with SANDBOX=1. Remove it.');
  return problems;
}

/** `LIFETIME_…` and `LIMIT_…`, for the sandbox. */
function readOverrides(environment: Environment, sandbox: boolean) {
  const problems: string[] = [];
  const lifetimes: Record<string, number> = {};
  const limits: Record<string, { points: number; seconds: number }> = {};
  for (const [name, text] of Object.entries(environment)) {
    const [, kind, rest = ''] = /^(LIFETIME|LIMIT)_(.+)$/.exec(name) ?? [];
    if (!kind || text === undefined || text === '') continue;
    if (!sandbox) {
      problems.push(`${name} works only with SANDBOX=1. Change config/${kind.toLowerCase()}s.json instead.`);
      continue;
    }
    const lifetime = kind === 'LIFETIME' && LIFETIME_NAMES.find((each) => variableName(each) === rest);
    const limit = kind === 'LIMIT' && LIMIT_NAMES.find((each) => each.toUpperCase() === rest);
    const [, points, seconds] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
    if (lifetime && /^\d{1,9}$/.test(text)) lifetimes[lifetime] = Number(text);
    else if (lifetime) problems.push(`${name} must be a whole number of seconds.`);
    else if (limit && points) limits[limit] = { points: Number(points), seconds: Number(seconds) };
    else if (limit) problems.push(`${name} must be attempts/seconds, such as 10/900.`);
    else problems.push(`${name} is not known. The names are in config/${kind.toLowerCase()}s.json.`);
  }
  const read = <T>(prefix: string, make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      for (const { path, message } of error.issues) {
        problems.push(`${prefix}_${variableName(String(path[0]))} is refused: ${message}.`);
      }
      return undefined;
    }
  };
  return {
    problems,
    lifetimes: read('LIFETIME', () => readLifetimes(lifetimes)),
    limits: read('LIMIT', () => readLimits(limits)),
  };
}

/**
 * Reads and checks all settings.
 *
 * @throws BadEnvironment that names every variable that does not fit, and what to do about it.
 */
export function readSettings(environment: Environment): Settings {
  // `NAME=` in a compose file means "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const overrides = readOverrides(given, given.SANDBOX === '1');
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      if (given[name] !== undefined) return `${name} ${message}.`;
      return `${name} is not set. ${variables.shape[name as keyof Values].description}`;
    });
    throw new BadEnvironment([...problems, ...overrides.problems]);
  }
  const values = parsed.data;
  const problems = [...sandboxProblems(values), ...overrides.problems];
  const { lifetimes, limits } = overrides;
  if (problems.length > 0 || !lifetimes || !limits) throw new BadEnvironment(problems);
  return {
    production: values.NODE_ENV === 'production',
    issuer: values.ISSUER,
    port: values.PORT,
    host: values.HOST,
    databaseUrl: values.DATABASE_URL,
    databasePool: values.DATABASE_POOL,
    trustedProxies: values.TRUSTED_PROXIES,
    masterKeys: { ...values.MASTER_KEYS, indexKey: values.INDEX_KEY },
    pairwiseKey: values.PAIRWISE_KEY,
    cookieKeys: values.COOKIE_KEYS,
    dpopNonceSecret: values.DPOP_NONCE_SECRET,
    clientsFiles: [values.SANDBOX_CLIENTS_FILE, values.CLIENTS_FILE].filter((file) => file !== undefined),
    healthPeersFile: values.HEALTH_PEERS_FILE,
    outboundAllow: values.OUTBOUND_ALLOW,
    authoritiesUrl: values.AUTHORITIES_URL,
    checkOrigins:
      values.CHECK_ORIGINS.length > 0 ? values.CHECK_ORIGINS : [new URL(values.AUTHORITIES_URL).origin],
    smsUrl: values.SMS_URL ?? values.AUTHORITIES_URL,
    sandbox: values.SANDBOX,
    sandboxPeopleFile: values.SANDBOX_PEOPLE_FILE,
    sandboxProvinces: values.SANDBOX_PROVINCES,
    logLevel: values.LOG_LEVEL,
    lifetimes,
    limits,
  };
}

/** The master keys alone, for programs that need no more. @throws BadEnvironment */
export function readMasterKeys(environment: Environment): MasterKeys {
  const parsed = variables.pick({ MASTER_KEYS: true, INDEX_KEY: true }).safeParse(environment);
  if (!parsed.success) {
    throw new BadEnvironment(
      parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}.`),
    );
  }
  return { ...parsed.data.MASTER_KEYS, indexKey: parsed.data.INDEX_KEY };
}

/** The table of `docs/environment.md`. */
export function describeEnvironment(): string {
  const rows = Object.entries(variables.shape).map(([name, format]) => {
    const optional = format.safeParse(undefined).success;
    return `| \`${name}\` | ${optional ? '' : 'yes'} | ${format.description} |`;
  });
  const defaults = readLifetimes();
  const lifetimeRows = LIFETIME_NAMES.map(
    (name) => `| \`LIFETIME_${variableName(name)}\` | ${defaults[name]} | ${meaningOf(name)} |`,
  );
  const limitRows = Object.entries(readLimits()).map(
    ([name, { points, seconds }]) => `| \`LIMIT_${name.toUpperCase()}\` | ${points}/${seconds} |`,
  );
  return [
    '| variable | required | meaning |\n|---|---|---|',
    ...rows,
    '\nIn the sandbox only (`SANDBOX=1`), lifetimes in seconds:\n\n| variable | default | of |\n|---|---|---|',
    ...lifetimeRows,
    '\nIn the sandbox only, limits as attempts/seconds:\n\n| variable | default |\n|---|---|',
    ...limitRows,
    '',
  ].join('\n');
}
