import test, { type ExecutionContext } from 'ava';
import { openCatalogue } from '../../src/departments/catalogue.ts';
import { applyClients, parseClients } from '../../src/departments/clients-file.ts';
import { departmentName } from '../../src/departments/department-name.ts';
import { disableOthers, enterClient, lockEntries } from '../../src/departments/enter-client.ts';
import { readLiveClient } from '../../src/departments/live-client.ts';
import { registerOwnClient } from '../../src/departments/own-client.ts';
import { lookUpToken } from '../../src/oidc/token-lookup.ts';
import type { Database } from '../../src/platform/database.ts';
import { newId } from '../../src/platform/id.ts';
import { endExpiredSessions, endSession, endSessions, revokeGrants } from '../../src/sessions/end.ts';
import { findGrant, saveGrant } from '../../src/sessions/grant-store.ts';
import { purgeProtocolRecords } from '../../src/sessions/purge.ts';
import { rememberOnce } from '../../src/sessions/replay-store.ts';
import { withdrawClientGrants, withdrawGrants } from '../../src/sessions/revoke.ts';
import {
  findSession,
  findSessionByUid,
  listSessions,
  saveSession,
} from '../../src/sessions/session-store.ts';
import { destroyShortLived, findShortLived, saveShortLived } from '../../src/sessions/short-lived-store.ts';
import {
  appendSigningKey,
  ensureSigningKeys,
  promoteSigningKey,
  readSigningKeys,
  retireSigningKey,
} from '../../src/sessions/signing-keys.ts';
import {
  consumeRecord,
  destroyToken,
  findToken,
  queryToken,
  saveToken,
  tokenSql,
} from '../../src/sessions/token-store.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { recordStatements, unindexedScans } from '../support/explain.ts';
import { startProtocol } from '../support/protocol.ts';
import { cipher } from '../support/protocol-on.ts';
import { logIn, portal, relyingParty, SECRET } from '../support/relying-party.ts';
import { filesOf, textOf } from '../support/sources.ts';

const NOW = new Date('2026-11-23T02:00:00Z');
const HOUR = 3_600_000;
const ROWS = 20_000;
const FILLED = [
  'sessions',
  'grants',
  'interactions',
  'authorization_codes',
  'access_tokens',
  'refresh_tokens',
  'pushed_authorization_requests',
  'replay_records',
  'clients',
  'resources',
];

/** Each of these reads a table of a few rows end to end because it is about all of them, at a start. */
const ABOUT_ALL = [
  /from signing_keys/,
  /update clients set disabled_at/,
  /delete from resources where identifier <>/,
];

/** So many rows that reading a table from end to end is the dearest way. One in a thousand has expired. */
async function fill(db: TestDatabase): Promise<void> {
  const expiry = `$2::timestamptz + case when n % 1000 = 0 then - interval '1 day' else interval '1 day' end`;
  const rows = 'generate_series(1, $1::int) n';
  const values = [ROWS, NOW];
  const key = `sha256(('k' || n)::bytea)`;
  for (const table of ['authorization_codes', 'access_tokens', 'refresh_tokens']) {
    await db.query(
      `insert into ${table} (key, grant_id, session_uid, payload, expires_at)
       select ${key}, 'g' || n, 'u' || n, '{}', ${expiry} from ${rows}`,
      values,
    );
  }
  for (const table of ['interactions', 'pushed_authorization_requests']) {
    await db.query(
      `insert into ${table} (key, payload, expires_at) select ${key}, '{}', ${expiry} from ${rows}`,
      values,
    );
  }
  await db.query(
    `insert into replay_records (key, expires_at) select ${key}, ${expiry} from ${rows}`,
    values,
  );
  await db.query(
    `insert into grants (id, account_id, client_id, payload, expires_at)
     select 'g' || n, 'a' || n, 'c', '{}', ${expiry} from ${rows}`,
    values,
  );
  await db.query(
    `insert into sessions (uid, key, previous_key, account_id, details, created_at, expires_at, ended_at)
     select 'u' || n, ${key}, case when n % 10 = 0 then sha256(('p' || n)::bytea) end, 'a' || n, '{}', $2, ${expiry},
            case when n % 3 = 0 then $2::timestamptz end from ${rows}`,
    values,
  );
  await db.query(
    `insert into clients (client_id, metadata, source, updated_at) select 'c' || n, '{}', 'file', $2 from ${rows}`,
    values,
  );
  await db.query(
    `insert into resources (identifier, client_id, scope, min_acr, access_token_format)
     select 'https://example.test/' || n, 'c' || n, 's', 'm', 'opaque' from generate_series(1, $1::int) n`,
    [ROWS],
  );
  for (const table of FILLED) await db.query(`analyze ${table}`);
}

/** Everything that the two rooms, and the look-up of `oidc/`, ever say to the database. */
async function sayEverything(db: TestDatabase) {
  const recorder = recordStatements(db);
  const recorded: Database = {
    ...db,
    ...recorder,
    transaction: (work) =>
      db.transaction(async (tx, ...rest) => {
        const within = recordStatements(tx);
        const result = await work(within, ...rest);
        recorder.statements.push(...within.statements);
        return result;
      }),
  };
  const tx = recorded;
  const seconds = NOW.getTime() / 1000;
  const exp = seconds + 3600;
  const record = { uid: 'u1', accountId: 'a1', iat: seconds, exp, loginTs: seconds };
  await saveSession(tx, { id: 'id', replaces: 'old', record, absoluteSeconds: 86_400, now: NOW });
  await findSession(tx, 'id', NOW);
  await findSessionByUid(tx, 'u1', NOW);
  await listSessions(tx, 'a1', NOW);
  await saveGrant(tx, 'g', { clientId: 'c', accountId: 'a1', exp });
  await findGrant(tx, 'g', NOW);
  for (const table of ['authorization_codes', 'access_tokens', 'refresh_tokens'] as const) {
    await saveToken(tx, table, table, {
      jti: table,
      exp,
      grantId: 'g',
      sessionUid: 'u1',
      accountId: newId(),
    });
    await findToken(tx, table, NOW);
    await queryToken(tx, tokenSql(), table, NOW);
    await lookUpToken(tx, table, NOW);
    if (table !== 'access_tokens') await consumeRecord(tx, table, table, NOW);
    await destroyToken(tx, table, table);
  }
  for (const table of ['interactions', 'pushed_authorization_requests'] as const) {
    await saveShortLived(tx, table, 'id', { exp }, NOW);
    await findShortLived(tx, table, 'id');
    await destroyShortLived(tx, table, 'id');
  }
  await consumeRecord(tx, 'pushed_authorization_requests', 'id', NOW);
  await rememberOnce(tx, 'jti', new Date(NOW.getTime() + HOUR), NOW);
  await revokeGrants(tx, ['g']);
  await withdrawGrants(tx, ['g'], { reason: 'replay', now: NOW });
  await withdrawClientGrants(tx, { accountId: newId(), clientId: 'c1', reason: 'requested', now: NOW });
  const nobody = async () => {};
  await endSession(tx, nobody, { uid: 'u1', reason: 'logout', now: NOW });
  await endSessions(tx, nobody, { accountId: newId(), reason: 'admin', now: NOW });
  await endExpiredSessions(tx, nobody, { now: NOW, limit: 10 });
  await purgeProtocolRecords(tx, { now: new Date(NOW.getTime() - 48 * HOUR), limit: 10 });
  await ensureSigningKeys(recorded, cipher, NOW);
  const kid = await appendSigningKey(recorded, cipher, 'ES256', NOW);
  await promoteSigningKey(recorded, kid, NOW);
  await retireSigningKey(recorded, kid, NOW);
  await readSigningKeys(tx, cipher);
  const resources = [{ identifier: 'https://pension.example/api', scope: 's' }];
  await applyClients(recorded, parseClients(JSON.stringify([portal('new', { resources })]), 'x'), NOW);
  await registerOwnClient(recorded, portal('own'), NOW);
  const [entry] = parseClients(JSON.stringify([portal('c1', { resources })]), 'x');
  await recorded.transaction(async (within) => {
    const known = (await lockEntries(within, ['c1'])).get('c1');
    await enterClient(within, entry!, known, { source: 'file', now: NOW });
    await disableOthers(within, ['c1'], NOW);
  });
  await readLiveClient(tx, 'c1');
  await departmentName(tx, '社保局', 'en');
  const catalogue = openCatalogue(tx, () => NOW);
  await catalogue.client('c1');
  await catalogue.resource('https://example.test/1');
  return recorder.statements.filter(({ text }) => !ABOUT_ALL.some((about) => about.test(text)));
}

test('every statement of the rooms uses an index, as the planner chooses on tables with many rows', async (t) => {
  const db = await freshDatabase(t);
  await fill(db);
  const statements = await sayEverything(db);
  t.true(statements.length > 40, `${statements.length} statements`);
  t.deepEqual(await unindexedScans(db, statements, { filled: FILLED }), []);
  t.deepEqual(await unindexedScans(db, statements), [], 'nor is there one that only small tables hide');
});

test('a statement without an index is noticed on tables with many rows', async (t) => {
  const db = await freshDatabase(t);
  await fill(db);
  const text = `select uid from sessions where user_agent = 'x'`;
  t.is((await unindexedScans(db, [{ text, values: [] }], { filled: FILLED })).length, 1);
});

test('no function of the rooms that speaks to the database is left out', (t) => {
  const own = textOf('test/sessions/statements.test.ts');
  const left = [...filesOf('src/sessions'), ...filesOf('src/departments')].flatMap((file) => {
    // Functions of a room's store take the connection first.
    const functions = textOf(file).matchAll(/^export (?:async )?function (\w+)(?:<\w+>)?\(\s*(?:db|tx)\b/gm);
    const names = [...functions].map(([, name = '']) => name);
    return names.filter((name) => !own.includes(`${name}(`));
  });
  t.deepEqual(left, []);
});

/** All that a platform says while citizens sign on and off, by their real statements. */
async function useEverything(t: ExecutionContext<unknown>): Promise<TestDatabase> {
  const api = { identifier: 'https://pension.example/api', scope: 'pension:read' };
  const platform = await startProtocol(t, {
    clients: [
      portal('city-a', { resources: [api] }),
      portal('city-b'),
      portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
      portal('open', { allow_anonymous: true }),
    ],
  });
  const jar = platform.jar();
  const [a, b] = [relyingParty(platform, 'city-a'), relyingParty(platform, 'city-b')];
  const app = relyingParty(platform, 'app', true);
  await relyingParty(platform, 'open').signIn(platform.jar(), { acr_values: 'urn:ymt:acr:anonymous' });
  const outcome = await a.authorize(jar, {}, [logIn(await platform.citizen('intermediate'))], true);
  const tokens = await a.exchange(outcome);
  await a.exchange(outcome);
  await b.signIn(jar, { resource: api.identifier, scope: 'openid pension:read' });
  const mine = await app.signIn(jar);
  const next = await app.refresh(mine.refresh_token!);
  await app.refresh(next.refresh_token!);
  const again = await a.signIn(jar);
  await a.refresh(again.refresh_token!);
  await a.introspect(again.access_token);
  await a.userinfo(again.access_token);
  await fetch(`${platform.issuer}/oauth/revoke`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`city-a:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ token: tokens.refresh_token! }),
  });
  await platform.logOut(jar);
  return platform.db;
}

test('whatever the protocol asks of the database, in any room, it asks through an index', async (t) => {
  const db = await useEverything(t);
  const said = [...new Set(db.statements)].filter(
    (text) =>
      /^\s*(select|insert|update|delete|with)\b/i.test(text) && !ABOUT_ALL.some((about) => about.test(text)),
  );
  t.true(said.length > 25, `${said.length} statements`);
  const connection = await db.pool.connect();
  try {
    await connection.query('set enable_seqscan = off');
    for (const text of said) {
      // Without values: the plan that would serve any.
      const { rows } = await connection.query(`explain (generic_plan) ${text}`);
      const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
      if (/Seq Scan/.test(plan)) t.fail(`${text}\n${plan}`);
    }
  } finally {
    connection.release(true);
  }
});
