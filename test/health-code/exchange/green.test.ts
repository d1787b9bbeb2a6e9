import test from 'ava';
import { exportJWK, generateKeyPair } from 'jose';
import { activate, deactivate, liveActivation } from '../../../src/health-code/activation.ts';
import { makeDailyFile, refreshPids } from '../../../src/health-code/exchange/exchange.ts';
import { askGreen } from '../../../src/health-code/exchange/green.ts';
import { pidOf } from '../../../src/health-code/exchange/pid.ts';
import { localKeys, sign } from '../../../src/health-code/exchange/signed.ts';
import type { HealthKeys } from '../../../src/health-code/show/keys.ts';
import { NOW, residentIdOf } from '../../support/citizens.ts';
import { KEY, neighbours, turnRed } from '../../support/provinces.ts';

test('a door of one province asks another whether a visitor is green, and hears no reasons', async (t) => {
  const { a, b, inA } = await neighbours(t);
  await refreshPids(a.work);
  const ask = (n: number) =>
    b.ask({ issuer: '390000', documentType: 'resident_id', idNumber: residentIdOf(n) });
  // The first question also fetches keys on both sides.
  await ask(1);
  t.is(await ask(1), 'GREEN');
  t.is(await ask(8), 'NOT_FOUND');
  await turnRed(a, inA);
  t.is(await ask(1), 'NOT_GREEN');
  const rows = await a.db.query('select what, client_id from access_log where citizen_id = $1', [
    inA.citizenId,
  ]);
  t.deepEqual(rows[0], { what: ['health_green'], client_id: 'province:38' });
});

test('a province that is silent, off or unknown leaves the question open, never red', async (t) => {
  const { a, b } = await neighbours(t);
  const ask = (issuer: string) => b.ask({ issuer, documentType: 'resident_id', idNumber: residentIdOf(1) });
  t.is(await ask('370000'), 'UNKNOWN');
  const activation = await liveActivation(a.db, NOW);
  await deactivate(a.db, activation!.id, NOW);
  t.is(await ask('390000'), 'UNKNOWN');
  await makeDailyFile(a.work);
  t.deepEqual(await a.db.query('select 1 from health_own_files'), [], 'switched off, nothing is told');
  await activate(a.db, { ...activation!, legalBasis: '演示' }, NOW);
  b.meet({ issuer: '360000', url: 'http://127.0.0.1:9' });
  t.is(await ask('360000'), 'UNKNOWN');
});

test('a green question is answered once', async (t) => {
  const { a, b } = await neighbours(t);
  const iat = Math.floor(NOW.getTime() / 1000);
  const pid = pidOf(KEY, 'resident_id', residentIdOf(1)).toString('base64url');
  const claims = {
    iss: '380000',
    aud: '390000',
    iat,
    exp: iat + 300,
    jti: 'a-nonce-of-16-bytes',
    month: '2026-11',
    pid,
  };
  const post = (body: string, type = 'application/jwt') =>
    fetch(`${a.url}/health/exchange/green`, { method: 'POST', body, headers: { 'content-type': type } });
  const token = await sign(b.work.keys, 'hc-green-query+jwt', claims, NOW);
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(token)));
  t.is(answers.filter(({ status }) => status === 200).length, 1);
  t.is((await post('nonsense')).status, 400);
  t.is((await post(token, 'text/plain')).status, 415);
  t.is((await post('x'.repeat(5_000))).status, 413);
  const long = await sign(
    b.work.keys,
    'hc-green-query+jwt',
    { ...claims, jti: 'another-nonce-16', exp: iat + 900 },
    NOW,
  );
  t.is((await post(long)).status, 400);
});

/** The keys of a province, in memory. */
async function keysInMemory(): Promise<HealthKeys> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const { x, y } = await exportJWK(publicKey);
  const kid = 'AAAAAAAAAAA';
  return { signer: async () => ({ key: privateKey, kid }), trusted: async () => [{ kid, x: x!, y: y! }] };
}

test('an answer that is late, to another question, or signed by somebody else is none', async (t) => {
  const [own, theirs, stranger] = [await keysInMemory(), await keysInMemory(), await keysInMemory()];
  const published = localKeys(await theirs.trusted(NOW));
  const peer = { issuer: '390000', name: '邻省', url: 'https://neighbour.example' };
  const peers = {
    issuer: '380000',
    monthKeys: new Map([['2026-11', KEY]]),
    peers: new Map([[peer.issuer, peer]]),
  };
  const at = Math.floor(NOW.getTime() / 1000);
  const good = { iss: '390000', aud: '380000', iat: at, exp: at + 300, result: 'GREEN' };
  const never = new Promise<never>(() => {});
  const ask = (
    answer: (nonce: unknown) => Promise<string>,
    keysOf: () => typeof published = () => published,
    patienceMs = 30_000,
  ) =>
    askGreen(
      async (_, init) => {
        const [, body = ''] = String(init?.body).split('.');
        return new Response(await answer(JSON.parse(Buffer.from(body, 'base64url').toString()).jti));
      },
      { peers, keys: own, keysOf, now: NOW, patienceMs },
      { issuer: '390000', documentType: 'resident_id', idNumber: residentIdOf(1) },
    );
  const signed = (claims: object, by = theirs, type: Parameters<typeof sign>[1] = 'hc-green-answer+jwt') =>
    sign(by, type, { ...good, ...claims }, NOW);
  t.is(await ask((nonce) => signed({ nonce })), 'GREEN');
  t.is(await ask(() => signed({ nonce: 'of-another-question' })), 'UNKNOWN');
  t.is(await ask(() => signed({})), 'UNKNOWN');
  t.is(await ask((nonce) => signed({ nonce }, stranger)), 'UNKNOWN');
  t.is(await ask((nonce) => signed({ nonce, iss: '370000' })), 'UNKNOWN');
  t.is(await ask((nonce) => signed({ nonce, aud: '370000' })), 'UNKNOWN');
  t.is(await ask((nonce) => signed({ nonce }, theirs, 'hc-green-query+jwt')), 'UNKNOWN');
  t.is(await ask((nonce) => signed({ nonce, iat: at - 400, exp: at - 100 })), 'UNKNOWN');
  t.is(await ask((nonce) => signed({ nonce, result: 'RED' })), 'UNKNOWN');
  const late = [
    ask(() => never, undefined, 100),
    ask(
      (nonce) => signed({ nonce }),
      () => () => never,
      100,
    ),
  ];
  t.deepEqual(
    await Promise.all(late),
    ['UNKNOWN', 'UNKNOWN'],
    'the keys of a province have no time of their own',
  );
});
