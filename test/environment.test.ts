import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import test from 'ava';
import { SANDBOX_KEYS } from '../sandbox/keys.ts';
import { BadEnvironment, describeEnvironment, readSettings } from '../src/environment.ts';
import { textOf } from './support/sources.ts';

const random = () => randomBytes(32).toString('base64');
const good = {
  ISSUER: 'https://id.example.gov.cn',
  DATABASE_URL: 'postgres://user:pass@db.internal:5432/yimatong',
  MASTER_KEYS: `2026b:${random()},2026a:${random()}`,
  INDEX_KEY: random(),
  PAIRWISE_KEY: random(),
  COOKIE_KEYS: `${random()},${random()}`,
  DPOP_NONCE_SECRET: random(),
  AUTHORITIES_URL: 'https://authorities.example.gov.cn',
};
const sandbox = {
  ...good,
  ...SANDBOX_KEYS,
  SANDBOX: '1',
  ISSUER: 'http://localhost:3000',
  AUTHORITIES_URL: 'http://localhost:3010',
};

test('a complete environment gives typed settings with defaults', (t) => {
  const settings = readSettings(good);
  t.like(settings, { production: false, issuer: good.ISSUER, port: 3000, sandbox: false, logLevel: 'info' });
  t.is(settings.masterKeys.current, '2026b');
  t.is(settings.masterKeys.keys['2026a']!.length, 32);
  t.is(settings.smsUrl, good.AUTHORITIES_URL);
  t.deepEqual(settings.checkOrigins, [good.AUTHORITIES_URL]);
  t.deepEqual(
    readSettings({ ...good, CHECK_ORIGINS: 'https://Face.example/, https://a.cn:8443' }).checkOrigins,
    ['https://face.example', 'https://a.cn:8443'],
  );
  t.deepEqual(settings.trustedProxies, []);
  t.is(settings.lifetimes.accessToken, 600);
});

test('a variable that is empty counts as not set', (t) => {
  t.is(readSettings({ ...good, PORT: '', SMS_URL: '' }).port, 3000);
});

const refused: [string, Record<string, string | undefined>, RegExp][] = [
  ['no database', { DATABASE_URL: undefined }, /DATABASE_URL is not set\. PostgreSQL database/],
  ['a database of another kind', { DATABASE_URL: 'mysql://x/y' }, /DATABASE_URL must be postgres:/],
  ['no issuer', { ISSUER: '' }, /ISSUER is not set/],
  ['an issuer with a path', { ISSUER: 'https://a.cn/id' }, /ISSUER must have no path\. Use https:\/\/a\.cn/],
  ['an issuer that is no address', { ISSUER: 'id.example' }, /ISSUER must be an origin such as/],
  ['an issuer with a query', { ISSUER: 'https://a.cn/?x' }, /ISSUER must be an origin/],
  ['a port that is none', { PORT: '70000' }, /PORT must be a whole number from 0 to 65535/],
  ['a short key', { INDEX_KEY: 'c2hvcnQ=' }, /INDEX_KEY must be 32 bytes in base64\. Make one with: openssl/],
  ['a master key without id', { MASTER_KEYS: random() }, /MASTER_KEYS must be id:key/],
  ['no master key', { MASTER_KEYS: ',' }, /MASTER_KEYS must hold at least one/],
  ['a short cookie key', { COOKIE_KEYS: 'short' }, /COOKIE_KEYS must be secrets of at least 32/],
  [
    'a proxy that is no address',
    { TRUSTED_PROXIES: 'proxy' },
    /TRUSTED_PROXIES must be addresses or networks/,
  ],
  ['an allowed host instead of an origin', { OUTBOUND_ALLOW: '10.0.0.1' }, /OUTBOUND_ALLOW must be origins/],
  ['a page instead of an origin', { CHECK_ORIGINS: 'https://a.cn/face' }, /CHECK_ORIGINS must be origins/],
  [
    'a page of checks that is not https',
    { NODE_ENV: 'production', CHECK_ORIGINS: 'http://a.cn' },
    /CHECK_ORIGINS must all be https/,
  ],
  ['another lifetime', { LIFETIME_ACCESS_TOKEN: '5' }, /LIFETIME_ACCESS_TOKEN works only with SANDBOX=1/],
  ['sandbox keys', SANDBOX_KEYS, /PAIRWISE_KEY holds a sandbox key/],
  [
    'relying parties of the sandbox',
    { SANDBOX_CLIENTS_FILE: 'c.json' },
    /SANDBOX_CLIENTS_FILE works only with/,
  ],
  ['synthetic people', { SANDBOX_PEOPLE_FILE: 'p.json' }, /SANDBOX_PEOPLE_FILE works only with SANDBOX=1/],
];
for (const [what, change, message] of refused) {
  test(`${what} is refused with the variable and what to do`, (t) => {
    const error = t.throws(() => readSettings({ ...good, ...change }), { instanceOf: BadEnvironment });
    t.regex(error.message, message);
  });
}

test('everything that is wrong is said at once, without the values', (t) => {
  const error = t.throws(() => readSettings({ ISSUER: 'x', INDEX_KEY: 'hunter2', COOKIE_KEYS: 'hunter2' }));
  for (const name of [
    'ISSUER',
    'DATABASE_URL',
    'MASTER_KEYS',
    'INDEX_KEY',
    'COOKIE_KEYS',
    'AUTHORITIES_URL',
  ]) {
    t.regex(error!.message, new RegExp(`^ {2}${name} `, 'm'));
  }
  t.notRegex(error!.message, /hunter2/);
});

test('a sandbox may have known keys, simulators, short lifetimes and wide limits', (t) => {
  const settings = readSettings({ ...sandbox, LIFETIME_ACCESS_TOKEN: '5', LIMIT_LOGIN_NETWORK: '9000/60' });
  t.is(settings.lifetimes.accessToken, 5);
  t.deepEqual(settings.limits.login_network, { points: 9000, seconds: 60 });
  const bad = { LIFETIME_NAP: '5', LIMIT_LOGIN: 'many', LIFETIME_CLIENT_CACHE: '60' };
  const error = t.throws(() => readSettings({ ...sandbox, ...bad }));
  t.regex(error!.message, /LIFETIME_NAP is not known/);
  t.regex(error!.message, /LIMIT_LOGIN must be attempts\/seconds/);
  t.regex(error!.message, /LIFETIME_CLIENT_CACHE is refused: at most 5/);
});

test('production refuses the sandbox, its keys and its simulators', (t) => {
  t.true(readSettings({ ...good, NODE_ENV: 'production' }).production);
  const error = t.throws(() => readSettings({ ...sandbox, NODE_ENV: 'production' }));
  t.regex(error!.message, /SANDBOX must not be 1 when NODE_ENV=production/);
  for (const name of Object.keys(SANDBOX_KEYS))
    t.regex(error!.message, new RegExp(`${name} holds a sandbox key`));
  t.regex(error!.message, /AUTHORITIES_URL looks like a simulator/);
});

test('the documented table is the one that is checked', (t) => {
  t.true(textOf('docs/environment.md').includes(describeEnvironment()));
});

test('an older Node is told in one sentence what to do, before the source that it cannot read', (t) => {
  const script = new URL('../sandbox/need-node.js', import.meta.url);
  const as = (node: string) => {
    const version = `Object.defineProperty(process, 'versions', { value: { node: '${node}' } });`;
    return spawnSync(process.execPath, ['-e', `${version} import('${script}')`], { encoding: 'utf8' });
  };
  const old = as('20.20.2');
  t.is(old.status, 1);
  t.regex(old.stderr, /^Yimatong needs Node 24 or newer, and this is Node 20\.20\.2: [^\n]*\n$/);
  t.is(as('24.0.0').status, 0);
  for (const command of ['start', 'test'])
    t.regex(textOf('package.json'), new RegExp(`"pre${command}": "node sandbox/need-node.js"`));
});
