import test from 'ava';
import {
  type CodePurpose,
  type CodeRequest,
  codeRules,
  currentCode,
  redeemCode,
  sendCode,
} from '../../src/citizens/one-time-code.ts';
import type { Database } from '../../src/platform/database.ts';
import { limitsInUse, readLimits, useLimits } from '../../src/platform/limits.ts';
import { deliver } from '../../src/platform/outbox.ts';
import { cipher, minutesLater, NOW, phoneOf } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';

const request: CodeRequest = { phone: phoneOf(1), purpose: 'login', context: 'interaction-1', now: NOW };
const send = (db: Database, other: Partial<CodeRequest> = {}) =>
  db.transaction((tx) => sendCode({ tx, cipher }, { ...request, ...other }));
const redeem = (db: Database, code: string, other: Partial<CodeRequest> = {}) =>
  db.transaction((tx) => redeemCode({ tx, cipher }, { ...request, ...other, code }));

/** The code of the newest message that the gateway would have got. */
async function received(db: Database, now = NOW): Promise<string> {
  const texts: string[] = [];
  await deliver(
    db,
    cipher,
    async ({ text, to }) => {
      if (to === request.phone) texts.push(text);
      return undefined;
    },
    now,
  );
  return /\d{6}/.exec(texts.at(-1) ?? '')?.[0] ?? 'no code';
}
const wrongOf = (code: string) => (code === '000000' ? '000001' : '000000');

test('a code that was sent is good once, within five minutes', async (t) => {
  const db = await freshDatabase(t);
  t.like(await send(db), { sent: true, resendAt: minutesLater(1), expiresAt: minutesLater(5) });
  const code = await received(db);
  t.is(await redeem(db, wrongOf(code)), 'wrong');
  t.is(await redeem(db, ` ${code.slice(0, 3)} ${code.slice(3)}`, { now: minutesLater(4.9) }), 'ok');
  t.is(await redeem(db, code, { now: minutesLater(4.9) }), 'spent');
});

test('a code expires', async (t) => {
  const db = await freshDatabase(t);
  await send(db);
  t.is(await redeem(db, await received(db), { now: minutesLater(5) }), 'expired');
});

test('a code is good for its own phone, purpose and context only', async (t) => {
  const db = await freshDatabase(t);
  await send(db);
  const code = await received(db);
  t.is(await redeem(db, code, { phone: phoneOf(2) }), 'wrong');
  t.is(await redeem(db, code, { purpose: 'recovery' }), 'wrong');
  t.is(await redeem(db, code, { context: 'interaction-2' }), 'wrong');
  t.is(await redeem(db, code), 'ok');
});

test('the fifth wrong entry ends a code, even for the right one', async (t) => {
  const db = await freshDatabase(t);
  await send(db);
  const code = await received(db);
  for (let i = 0; i < 5; i++) t.is(await redeem(db, wrongOf(code)), 'wrong');
  t.is(await redeem(db, code), 'spent');
});

test('of 20 redeemers of one code one succeeds', async (t) => {
  const db = await freshDatabase(t, { max: 20 });
  for (let round = 0; round < 5; round++) {
    const now = minutesLater(round * 2);
    await send(db, { now });
    const code = await received(db, now);
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(db, code, { now })));
    t.deepEqual(
      [answers.filter((a) => a === 'ok').length, answers.filter((a) => a === 'spent').length],
      [1, 19],
    );
  }
});

test('of 20 wrong guesses at once five are counted', async (t) => {
  const db = await freshDatabase(t, { max: 20 });
  await send(db);
  const code = await received(db);
  const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(db, wrongOf(code))));
  t.is(answers.filter((answer) => answer === 'wrong').length, 5);
});

test('another code is sent after a minute, and only the newest counts', async (t) => {
  const db = await freshDatabase(t);
  await send(db);
  const first = await received(db);
  t.like(await send(db, { now: minutesLater(0.5) }), {
    sent: false,
    reason: 'too_soon',
    resendAt: minutesLater(1),
    expiresAt: minutesLater(5),
  });
  t.is((await send(db, { now: minutesLater(0.5), context: 'other' })).expiresAt, undefined);
  t.true((await send(db, { now: minutesLater(1) })).sent);
  const second = await received(db, minutesLater(1));
  if (first !== second) t.is(await redeem(db, first, { now: minutesLater(1) }), 'wrong');
  t.is(await redeem(db, second, { now: minutesLater(1) }), 'ok');
});

test('of parallel requests for a code one sends', async (t) => {
  const db = await freshDatabase(t, { max: 10 });
  const results = await Promise.all(Array.from({ length: 10 }, (_, i) => send(db, { context: `tab-${i}` })));
  t.is(results.filter(({ sent }) => sent).length, 1);
  const [row] = await db.query<{ n: number }>('select count(*) as n from outbox');
  t.is(row!.n, 1);
});

test.serial('how many codes a phone gets is what the environment says', (t) => {
  const before = { ...limitsInUse };
  t.teardown(() => useLimits(before));
  useLimits(readLimits({ sms_phone: { points: 2, seconds: 60 } }));
  t.like(codeRules(), { perWindow: 2, window: 60 });
});

test('a phone gets ten codes a day', async (t) => {
  const db = await freshDatabase(t);
  for (let i = 0; i < 10; i++) t.true((await send(db, { now: minutesLater(i) })).sent);
  t.like(await send(db, { now: minutesLater(10) }), {
    sent: false,
    reason: 'daily_limit',
    resendAt: minutesLater(24 * 60),
  });
  t.true((await send(db, { now: minutesLater(10), phone: phoneOf(2) })).sent);
  t.true((await send(db, { now: minutesLater(24 * 60) })).sent);
});

/** Lets the outbox try the gateway, which takes nothing. */
const refusedBy = (db: Database, now: Date) =>
  deliver(db, cipher, () => Promise.reject(new Error('gateway down')), now);
const deliveryOf = async (db: Database, now: Date) =>
  (await currentCode(db, cipher, { ...request, now }))?.delivery;

test('a code that the gateway does not take is known to be failing, until it is taken', async (t) => {
  const db = await freshDatabase(t);
  t.is((await send(db)).delivery, 'waiting');
  t.is(await deliveryOf(db, NOW), 'waiting');
  await refusedBy(db, NOW);
  t.is(await deliveryOf(db, NOW), 'failing');
  t.like(await send(db), { sent: false, reason: 'too_soon', delivery: 'failing' });
  t.is(await redeem(db, await received(db, minutesLater(0.5)), { now: minutesLater(1) }), 'ok');
  t.is((await db.query('select 1 from outbox where sent_at is null')).length, 0);
});

test('codes that no gateway took use up no day, and the newest alone arrives when it is back', async (t) => {
  const db = await freshDatabase(t);
  for (let i = 0; i < 12; i++) {
    // Some in other places: registering anew, or in another tab.
    const context = i % 3 === 0 ? `tab-${i}` : request.context;
    t.true((await send(db, { context, now: minutesLater(i * 2) })).sent, `code ${i}`);
    await refusedBy(db, minutesLater(i * 2));
  }
  const back = minutesLater(23);
  const texts: string[] = [];
  await deliver(db, cipher, async ({ text }) => void texts.push(text), back);
  t.is(texts.length, 1, 'what is worthless or replaced is not sent');
  t.is(await redeem(db, /\d{6}/.exec(texts[0] ?? '')?.[0] ?? '', { now: back }), 'ok');
  for (let i = 0; i < 9; i++) {
    const now = minutesLater(24 + i);
    t.true((await send(db, { now })).sent, `after it came back: ${i}`);
    await received(db, now);
  }
  t.like(await send(db, { now: minutesLater(40) }), { sent: false, reason: 'daily_limit' });
  t.deepEqual(
    await db.query('select sent, cardinality(pending) as open from code_quotas order by sent'),
    [
      { sent: 10, open: 1 },
      { sent: 21, open: 0 },
    ],
    'nothing is kept of those that were given up; the total knows all',
  );
});

test('thirty codes a day can be guessed at, also when no gateway takes them', async (t) => {
  const db = await freshDatabase(t);
  for (let i = 0; i < 30; i++) {
    t.true((await send(db, { now: minutesLater(i * 2) })).sent, `code ${i}`);
    await refusedBy(db, minutesLater(i * 2));
  }
  t.like(await send(db, { now: minutesLater(60) }), { sent: false, reason: 'daily_limit' });
});

test('a code that was given up does not hold the next one back', async (t) => {
  const db = await freshDatabase(t);
  const rules = { ...codeRules(), lifetime: 20 };
  const sendShort = (now: Date) =>
    db.transaction((tx) => sendCode({ tx, cipher, rules }, { ...request, now }));
  t.true((await sendShort(NOW)).sent);
  await refusedBy(db, NOW);
  t.is((await sendShort(minutesLater(0.5))).reason, 'too_soon', 'it is still tried');
  await refusedBy(db, minutesLater(0.5));
  t.true((await sendShort(minutesLater(0.5))).sent);
});

test('of parallel requests for a code one sends, also after ten that no gateway took', async (t) => {
  const db = await freshDatabase(t, { max: 10 });
  for (let i = 0; i < 10; i++) {
    await send(db, { now: minutesLater(i) });
    await (i < 9 ? received(db, minutesLater(i)) : refusedBy(db, minutesLater(i)));
  }
  const now = minutesLater(10);
  const contexts = Array.from({ length: 10 }, (_, i) => `tab-${i}`);
  const results = await Promise.all(contexts.map((context) => send(db, { context, now })));
  t.is(results.filter(({ sent }) => sent).length, 1);
});

test('what others can have sent to a phone leaves its owner the codes to log in and to recover', async (t) => {
  const db = await freshDatabase(t);
  const day = async (purpose: CodePurpose) => {
    let sent = 0;
    for (let i = 0; i < 12; i++) if ((await send(db, { purpose, now: minutesLater(i) })).sent) sent++;
    return sent;
  };
  t.is((await day('registration')) + (await day('guardianship')), 10, 'strangers share one quota');
  t.is(await day('new_phone'), 10);
  t.is((await send(db, { purpose: 'recovery' })).sent, true);
  t.is((await send(db, { purpose: 'login' })).sent, true);
  const rest = (await day('recovery')) + (await day('login')) + (await day('change_phone'));
  t.is(rest, 8, 'and no phone gets more than thirty altogether');
});

test('a person of the sandbox gets a fixed code without limits, once each', async (t) => {
  const db = await freshDatabase(t);
  const fixedCode = (phone: string) => (phone === phoneOf(1) ? '390000' : undefined);
  for (let i = 0; i < 12; i++) {
    const { sent } = await db.transaction((tx) => sendCode({ tx, cipher, fixedCode }, request));
    t.true(sent);
  }
  t.is(await received(db), '390000');
  t.is(await redeem(db, '390000'), 'ok');
  t.is(await redeem(db, '390000'), 'spent');
});

test('neither code nor phone is in the database in plain', async (t) => {
  const db = await freshDatabase(t);
  await send(db);
  const rows = await db.query<{ row: string }>(
    'select c::text || q::text || o::text as row from one_time_codes c, code_quotas q, outbox o',
  );
  const code = await received(db);
  for (const secret of [phoneOf(1), Buffer.from(code).toString('hex')])
    t.false(rows[0]!.row.includes(secret));
});
