import test from 'ava';
import { SignJWT } from 'jose';
import { newDeviceKey } from '../../../src/health-code/wire/cose.js';
import { toBase64Url } from '../../../src/health-code/wire/jws.js';
import {
  isRevoked,
  LIST_SIZE,
  packStatusList,
  readStatusList,
} from '../../../src/health-code/wire/status-list.js';

async function signed({
  typ = 'statuslist+jwt',
  sub = 'https://p.example/health/status-lists/3',
  revoked = [1],
} = {}) {
  const pair = await newDeviceKey();
  const token = await new SignJWT({ status_list: await packStatusList(revoked) })
    .setProtectedHeader({ alg: 'ES256', typ, kid: 'one' })
    .setSubject(sub)
    .setIssuedAt(1_000)
    .sign(pair.privateKey);
  return { token, keys: new Map([['one', pair.publicKey]]) };
}

test('a status list comes back with exactly the places that were revoked', async (t) => {
  const revoked = [0, 7, 8, 4_711, LIST_SIZE - 1];
  const { token, keys } = await signed({ revoked });
  const list = (await readStatusList(token, keys))!;
  t.like(list, { list: 3, at: 1_000 });
  const first = 3 * LIST_SIZE;
  for (const place of revoked) t.true(isRevoked([list], first + place), String(place));
  for (const place of [1, 6, 9, 4_712, LIST_SIZE - 2])
    t.false(isRevoked([list], first + place), String(place));
  t.false(isRevoked([list], 0), 'another list’s places are not its business');
});

// "Test vectors for Status List encoding" of the draft: bits 1 0 0 1 1 1 0 1 1 1 0 0 0 1 0 1 are b9 a3.
test('bits lie as the draft lays them: the least significant of a byte first', async (t) => {
  const bits = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
  const { token, keys } = await signed({ revoked: bits.flatMap((bit, place) => (bit ? [place] : [])) });
  const list = (await readStatusList(token, keys))!;
  t.deepEqual([...list.bytes.slice(0, 2)], [0xb9, 0xa3]);
});

test('a list that is not the province’s, was changed, or is something else is not read', async (t) => {
  const { token, keys } = await signed();
  const other = (await newDeviceKey()).publicKey;
  t.is(await readStatusList(token, new Map([['one', other]])), undefined);
  t.is(await readStatusList(token, new Map()), undefined);
  const [head, , signature] = token.split('.');
  const body = toBase64Url(new TextEncoder().encode('{"sub":"x/status-lists/3","iat":1}'));
  t.is(await readStatusList(`${head}.${body}.${signature}`, keys), undefined);
  t.is(await readStatusList(`${token}.x`, keys), undefined);
  t.is(await readStatusList('rubbish', keys), undefined);
  const wrongType = await signed({ typ: 'JWT' });
  t.is(await readStatusList(wrongType.token, wrongType.keys), undefined);
  const noNumber = await signed({ sub: 'https://p.example/else' });
  t.is(await readStatusList(noNumber.token, noNumber.keys), undefined);
});
