import test from 'ava';
import { activate, deactivate, liveActivation } from '../../../src/health-code/activation.ts';
import { makeDailyFile, refreshPids } from '../../../src/health-code/exchange/exchange.ts';
import { pidOf } from '../../../src/health-code/exchange/pid.ts';
import { sign } from '../../../src/health-code/exchange/signed.ts';
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
