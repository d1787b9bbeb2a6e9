import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { decideBatch, decideFor } from '../../../src/health-code/decide.ts';
import { forgetOnLogout } from '../../../src/health-code/show/app-files.ts';
import { attest, findAttested, withdrawAttestations } from '../../../src/health-code/show/attest.ts';
import { openHealthKeys, tendHealthKeys } from '../../../src/health-code/show/keys.ts';
import { liveLists, statusList } from '../../../src/health-code/show/status-lists.ts';
import { readAttestation } from '../../../src/health-code/wire/attestation.js';
import { exportPoint, importPoint, newDeviceKey } from '../../../src/health-code/wire/cose.js';
import { fromBase64Url } from '../../../src/health-code/wire/jws.js';
import { writeOfflineCode } from '../../../src/health-code/wire/offline-code.js';
import { isRevoked, listAge, readStatusList } from '../../../src/health-code/wire/status-list.js';
import { verifyOfflineCode } from '../../../src/health-code/wire/verify.js';
import { newId } from '../../../src/platform/id.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import {
  daysLater,
  givenCitizenAtBasic,
  givenDeclared,
  givenEvidence,
  givenHealthCode,
} from '../../support/health.ts';
import { serve } from '../../support/http.ts';

const HOUR = 3_600_000;

async function world(t: ExecutionContext) {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const keys = openHealthKeys(db, cipher);
  const onPhone = async (now = NOW, shownBy = holder.citizenId) => {
    const phone = await newDeviceKey();
    const attested = await attest(db, keys, {
      holder,
      shownBy,
      device: await exportPoint(phone.publicKey),
      now,
    });
    const { attestation } = readAttestation(attested.attestation)!;
    return { ...attested, phone, said: attestation };
  };
  /** What a door that has just fetched everything says. */
  const atDoor = async ({ attestation, phone }: Awaited<ReturnType<typeof onPhone>>, now = NOW) => {
    const trusted = await Promise.all(
      (await keys.trusted(now)).map(async ({ kid, x, y }) => {
        const key = await importPoint({ x: fromBase64Url(x), y: fromBase64Url(y) });
        return [kid, key!] as const;
      }),
    );
    const keysById = new Map(trusted);
    const lists = await Promise.all(
      (await liveLists(db)).map(async (list) => {
        const token = await statusList(db, keys, { list, issuer: 'https://p.example', now });
        return (await readStatusList(token!, keysById))!;
      }),
    );
    const time = now.getTime() / 1_000;
    const code = await writeOfflineCode({ attestation, time }, phone.privateKey);
    const { verdict } = await verifyOfflineCode(code, {
      keys: keysById,
      region: '390000',
      revoked: (status) => isRevoked(lists, status),
      revokedAge: listAge(lists, time),
      now: time,
      first: () => true,
    });
    return verdict;
  };
  return { db, holder, keys, onPhone, atDoor };
}

test('what the province states is the colour, the region, an end within a day, and whom to compare with', async (t) => {
  const { onPhone, atDoor, holder } = await world(t);
  const held = await onPhone();
  t.like(held.said, { colour: 'GREEN', region: '390000', name: '示**', lastTwo: holder.lastTwo });
  t.is(held.said.exp * 1_000, NOW.getTime() + 24 * HOUR);
  t.is(await atDoor(held), 'valid');
  t.is(await atDoor(held, daysLater(1)), 'expired');
});

test('two attestations of one citizen have nothing in common that others do not share', async (t) => {
  const { onPhone } = await world(t);
  const [one, two] = [await onPhone(), await onPhone()];
  t.not(one.said.status, two.said.status);
  t.notDeepEqual(one.said.device, two.said.device);
});

test('a colour that gets worse takes back what phones hold', async (t) => {
  const { db, holder, onPhone, atDoor } = await world(t);
  const before = await onPhone();
  await givenEvidence(db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  t.is(await atDoor(before), 'valid', 'nobody has decided yet');
  await decideFor(db, holder.citizenId, NOW);
  t.is(await atDoor(before), 'withdrawn');
  const after = await onPhone();
  t.is(after.colour, 'RED');
  t.is(await atDoor(after), 'wrong_colour');
});

test('deciding everybody anew takes back as well', async (t) => {
  const { db, holder, onPhone, atDoor } = await world(t);
  const before = await onPhone();
  await givenEvidence(db, holder.subject, { type: 'MEDIUM_RISK_STAY', source: 'transport', at: NOW });
  await decideBatch(db, [holder.citizenId], NOW);
  t.is(await atDoor(before), 'withdrawn');
});

test('a colour that gets better takes nothing back', async (t) => {
  const { db, holder, onPhone } = await world(t);
  const evidence = await givenEvidence(db, holder.subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  const red = await onPhone();
  await db.query('update health_evidence set revoked_at = $2 where id = $1', [evidence, NOW]);
  t.is((await decideFor(db, holder.citizenId, NOW)).colour, 'GREEN');
  t.like(await findAttested(db, red.said.status, NOW), { revoked: false });
});

test('an attestation ends where the colour can change by itself', async (t) => {
  const { db, holder, onPhone } = await world(t);
  const soon = new Date(NOW.getTime() + 2 * HOUR);
  await givenEvidence(db, holder.subject, { type: 'MEDIUM_RISK_STAY', source: 'transport', at: soon });
  t.deepEqual((await onPhone()).expiresAt, soon);
});

test('what one guardian’s phone holds is taken back without the others', async (t) => {
  const { db, holder, onPhone, atDoor } = await world(t);
  const guardian = newId();
  await t.throwsAsync(onPhone(NOW, guardian), { message: 'health_no_dependant' });
  const both = { guardianId: guardian, dependantId: holder.citizenId };
  await recordGuardianship(db, { ...both, kind: 'elder', reference: 'test', now: NOW });
  const [own, guardians] = [await onPhone(), await onPhone(NOW, guardian)];
  await withdrawAttestations(db, { citizenId: holder.citizenId, shownBy: guardian });
  t.is(await atDoor(guardians), 'withdrawn');
  t.is(await atDoor(own), 'valid');
  await withdrawAttestations(db, { citizenId: holder.citizenId });
  t.is(await atDoor(own), 'withdrawn');
});

test('who has no colour gets no attestation, and neither does a key that is none', async (t) => {
  const { db, keys, holder } = await world(t);
  const undeclared = await givenCitizenAtBasic(db, 2);
  const device = await exportPoint((await newDeviceKey()).publicKey);
  const asked = { shownBy: holder.citizenId, device, now: NOW };
  const other = { ...asked, shownBy: undeclared.citizenId, holder: undeclared };
  await t.throwsAsync(attest(db, keys, other), { message: 'health_no_code' });
  const wrong = { x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(1) };
  await t.throwsAsync(attest(db, keys, { ...asked, holder, device: wrong }), { message: 'bad_request' });
});

test('the province’s key is made once, announced before it signs, and forgotten when nothing rests on it', async (t) => {
  const db = await freshDatabase(t);
  await Promise.all(Array.from({ length: 4 }, () => tendHealthKeys(db, cipher, NOW)));
  const at = async (days: number) => {
    const now = daysLater(days);
    await tendHealthKeys(db, cipher, now);
    const keys = openHealthKeys(db, cipher);
    return { signs: (await keys.signer(now)).kid, trusted: (await keys.trusted(now)).map(({ kid }) => kid) };
  };
  const first = await at(0);
  t.deepEqual(first.trusted, [first.signs]);
  t.deepEqual(await at(87), first);
  const announced = await at(88);
  t.is(announced.signs, first.signs);
  t.is(announced.trusted.length, 2);
  const changed = await at(90);
  t.is(changed.signs, announced.trusted[1]!);
  t.deepEqual(changed.trusted, announced.trusted);
  t.deepEqual((await at(93)).trusted, [changed.signs]);
  const [row] = await db.query<{ private_jwk: Buffer }>('select private_jwk from health_keys');
  t.false(row!.private_jwk.toString('latin1').includes('"d"'), 'sealed');
});

test('logging out makes the browser forget what the phone keeps, looking at the page does not', async (t) => {
  const site = await serve(t, () => async (ctx) => {
    await forgetOnLogout(/^\/account\/logout$/)(ctx, async () => {
      ctx.body = 'bye';
    });
  });
  const headers = { 'sec-fetch-site': 'same-origin' };
  const forgets = async (method: string, path: string) =>
    (await fetch(site.url + path, { method, headers })).headers.get('clear-site-data');
  t.is(await forgets('POST', '/account/logout'), '"storage"');
  t.is(await forgets('GET', '/account/logout'), null);
  t.is(await forgets('POST', '/account/logout/other'), null);
});

/** The page that the worker gives in place of one that does not load; undefined where it keeps out of it. */
async function instead(path: string): Promise<string | undefined> {
  const listeners = new Map<string, (event: object) => void>();
  runInNewContext(readFileSync(new URL('../../../public/health/worker.js', import.meta.url), 'utf8'), {
    SHELL: { name: 'health-test', pages: ['code', 'door'], files: [] },
    URL,
    setTimeout,
    location: { origin: 'https://id.example' },
    caches: { match: async (page: string) => page },
    fetch: () => Promise.reject(new TypeError('no network')),
    addEventListener: (kind: string, listener: (event: object) => void) => listeners.set(kind, listener),
  });
  let given: Promise<string> | undefined;
  const request = { method: 'GET', mode: 'navigate', url: `https://id.example${path}` };
  listeners.get('fetch')!({
    request,
    respondWith: (answer: Promise<string>) => {
      given = answer;
    },
  });
  return given;
}

test('without network only the pages that can do without are given, and no code in place of a form', async (t) => {
  for (const path of ['/health/code', '/health/code?done=declared', '/health/code/offline'])
    t.is(await instead(path), 'code', path);
  t.is(await instead('/health/code/of/01936e0a-0000-7000-8000-000000000000'), 'code');
  for (const path of ['/health/verify', '/health/verify/offline']) t.is(await instead(path), 'door', path);
  for (const path of [
    '/health/declare',
    '/health/checkin',
    '/health/appeals/new',
    '/health/paper',
    '/health/officer/orders',
    '/health/verify/visitor',
    '/health/code/withdraw',
  ])
    t.is(await instead(path), undefined, path);
});
