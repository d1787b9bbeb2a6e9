import test from 'ava';
import { issueOnline, redeemOnline } from '../../../src/health-code/show/online-code.ts';
import { purgeShown } from '../../../src/health-code/show/purge.ts';
import { newId } from '../../../src/platform/id.ts';
import { NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';

const secondsLater = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const [citizenId, venueId] = [newId(), newId()];

test('a code is the beginning HK1: and 32 random bytes; the database knows only their hash', async (t) => {
  const db = await freshDatabase(t);
  const { code, expiresAt } = await issueOnline(db, { citizenId, now: NOW });
  t.regex(code, /^HK1:[0-9A-Z $%*+\-./:]{48}$/);
  t.deepEqual(expiresAt, secondsLater(60));
  const [row] = await db.query<{ hash: Buffer; all: string }>(
    'select hash, c::text as all from health_codes c',
  );
  t.is(row?.hash.length, 32);
  t.false(row?.all.includes(code.slice(4)));
  t.not((await issueOnline(db, { citizenId, now: NOW })).code, code);
});

test('a code is redeemed once and is shown before from then on', async (t) => {
  const db = await freshDatabase(t);
  const { code } = await issueOnline(db, { citizenId, now: NOW });
  t.deepEqual(await redeemOnline(db, { code, venueId, now: NOW }), { outcome: 'redeemed', citizenId });
  for (const now of [NOW, secondsLater(300)]) {
    const again = await redeemOnline(db, { code, venueId: newId(), now });
    t.deepEqual(again, { outcome: 'shown_before', citizenId });
  }
});

test('a code works for 60 seconds and not a millisecond longer', async (t) => {
  const db = await freshDatabase(t);
  const { code: late } = await issueOnline(db, { citizenId, now: NOW });
  const { code: intime } = await issueOnline(db, { citizenId, now: NOW });
  t.is((await redeemOnline(db, { code: late, venueId, now: secondsLater(60) })).outcome, 'expired');
  const lastMoment = new Date(secondsLater(60).getTime() - 1);
  t.is((await redeemOnline(db, { code: intime, venueId, now: lastMoment })).outcome, 'redeemed');
});

test('of 20 redeemers at once exactly one wins, the others hear that it was shown before', async (t) => {
  const db = await freshDatabase(t, { max: 20 });
  for (let round = 0; round < 5; round += 1) {
    const { code } = await issueOnline(db, { citizenId, now: NOW });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        db.transaction((tx) => redeemOnline(tx, { code, venueId: newId(), now: NOW })),
      ),
    );
    const won = outcomes.filter(({ outcome }) => outcome === 'redeemed');
    t.is(won.length, 1);
    t.is(outcomes.filter(({ outcome }) => outcome === 'shown_before').length, 19);
  }
});

test('a redemption is one statement', async (t) => {
  const db = await freshDatabase(t);
  const { code } = await issueOnline(db, { citizenId, now: NOW });
  const before = db.statements.length;
  await redeemOnline(db, { code, venueId, now: NOW });
  t.is(db.statements.length - before, 1);
});

for (const code of ['', 'HK1:', 'HK1:ABC', `HK1:${'0'.repeat(48)}`, `HK1:${':'.repeat(48)}`, 'rubbish']) {
  test(`"${code.slice(0, 9)}" (${code.length} letters) is unknown`, async (t) => {
    const db = await freshDatabase(t);
    t.deepEqual(await redeemOnline(db, { code, venueId, now: NOW }), { outcome: 'unknown' });
  });
}

test('codes that are over are deleted a while later', async (t) => {
  const db = await freshDatabase(t);
  await issueOnline(db, { citizenId, now: NOW });
  t.is(await purgeShown(db, { now: secondsLater(600) }), 0);
  t.is(await purgeShown(db, { now: secondsLater(661) }), 1);
  t.is(await purgeShown(db, { now: secondsLater(661) }), 0);
});
