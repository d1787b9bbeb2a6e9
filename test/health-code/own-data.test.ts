import test from 'ava';
import { fileAppeal } from '../../src/health-code/appeals/file-appeal.ts';
import { decideFor } from '../../src/health-code/decide.ts';
import { ownHealthData } from '../../src/health-code/own-data.ts';
import { declareTrip } from '../../src/health-code/travel/trip.ts';
import { cipher, NOW } from '../support/citizens.ts';
import { freshDatabase } from '../support/database.ts';
import { givenDeclared, givenHealthCode } from '../support/health.ts';

test('the copy of somebody’s data has what they declared, said of their trips and appealed against', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const trip = {
    province: '41',
    city: '郑州市',
    from: 20_775,
    to: 20_777,
    way: 'train',
    number: 'G1',
  } as const;
  const declared = { holder, trip: { ...trip, signature: '示例' }, ask: false, now: NOW };
  await db.transaction((tx) => declareTrip(tx, cipher, declared));
  const { id } = await decideFor(db, holder.citizenId, NOW);
  const text = '我当天在外地出差，有车票为证，编号 G123。';
  await db.transaction((tx) => fileAppeal(tx, cipher, { holder, decisionId: id!, text, now: NOW }));
  const data = await ownHealthData(db, cipher, holder.citizenId);
  t.is(data.declarations.length, 1);
  t.like(data.trips[0]?.declared, { city: '郑州市', from: '2026-11-18', to: '2026-11-20' });
  t.like(data.appeals[0], { at: NOW, text, state: 'open' });
});
