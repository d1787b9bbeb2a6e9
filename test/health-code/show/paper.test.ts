import test from 'ava';
import { endGuardianship, recordGuardianship } from '../../../src/citizens/guardianship.ts';
import {
  findPaper,
  issuePaper,
  listPapers,
  PAPERS_MAX,
  readPaper,
  revokePaper,
  revokePapersBy,
} from '../../../src/health-code/show/paper.ts';
import { purgeShown } from '../../../src/health-code/show/purge.ts';
import { newId } from '../../../src/platform/id.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared, givenHealthCode } from '../../support/health.ts';

const citizenId = newId();

test('a paper code can be printed again and found by what is on it, and is kept sealed', async (t) => {
  const db = await freshDatabase(t);
  const id = await issuePaper(db, cipher, { citizenId, now: NOW });
  const paper = (await readPaper(db, cipher, { citizenId, id, now: NOW }))!;
  t.regex(paper.code, /^HK3:/);
  t.like(await findPaper(db, paper.code, NOW), { citizenId, state: 'good' });
  t.like(await findPaper(db, paper.code, daysLater(89)), { citizenId, state: 'good' }, 'more than once');
  const [row] = await db.query<{ all: string }>('select p::text as all from health_papers p');
  t.false(row!.all.includes(paper.code.slice(4)));
  t.is(await readPaper(db, cipher, { citizenId: newId(), id, now: NOW }), undefined, 'by its citizen only');
});

test('a paper code is worthless once revoked or ninety days old, and stays in the list for a while', async (t) => {
  const db = await freshDatabase(t);
  const id = await issuePaper(db, cipher, { citizenId, now: NOW });
  const old = await issuePaper(db, cipher, { citizenId, now: NOW });
  const codes = await Promise.all(
    [id, old].map((each) => readPaper(db, cipher, { citizenId, id: each, now: NOW })),
  );
  t.false(await revokePaper(db, { citizenId: newId(), id, now: NOW }), 'by its citizen only');
  t.true(await revokePaper(db, { citizenId, id, now: NOW }));
  t.false(await revokePaper(db, { citizenId, id, now: NOW }));
  t.is((await findPaper(db, codes[0]!.code, NOW))?.state, 'revoked');
  t.is((await findPaper(db, codes[1]!.code, daysLater(90)))?.state, 'expired');
  t.is(await readPaper(db, cipher, { citizenId, id, now: NOW }), undefined);
  t.deepEqual(
    (await listPapers(db, citizenId)).map(({ id: each, revokedAt }) => [each, revokedAt]),
    [
      [old, undefined],
      [id, NOW],
    ],
  );
  t.is(await purgeShown(db, { now: daysLater(269) }), 0);
  t.is(await purgeShown(db, { now: daysLater(271) }), 2);
});

test('nobody has more than a handful of good papers', async (t) => {
  const db = await freshDatabase(t);
  const ids = [];
  for (let i = 0; i < PAPERS_MAX; i += 1) ids.push(await issuePaper(db, cipher, { citizenId, now: NOW }));
  await t.throwsAsync(issuePaper(db, cipher, { citizenId, now: NOW }), { message: 'health_papers_many' });
  await revokePaper(db, { citizenId, id: ids[0]!, now: NOW });
  await t.notThrowsAsync(issuePaper(db, cipher, { citizenId, now: NOW }));

  await givenHealthCode(db);
  const { citizenId: declared } = await givenDeclared(db, 1);
  const make = () => db.transaction((tx) => issuePaper(tx, cipher, { citizenId: declared, now: NOW }));
  await Promise.allSettled(Array.from({ length: PAPERS_MAX + 3 }, make));
  t.is((await listPapers(db, declared)).length, PAPERS_MAX, 'nor when they are asked for at the same moment');
});

for (const code of ['HK3:', 'HK1:ABC', `HK3:${'0'.repeat(48)}`]) {
  test(`"${code.slice(0, 9)}" (${code.length} letters) is nobody’s paper`, async (t) => {
    t.is(await findPaper(await freshDatabase(t), code, NOW), undefined);
  });
}

test('a paper that a guardian makes while the guardianship ends is not made', async (t) => {
  const db = await freshDatabase(t);
  const guardianId = newId();
  const asked = { guardianId, dependantId: citizenId, kind: 'elder', reference: 'test', now: NOW } as const;
  const id = await recordGuardianship(db, asked);
  const make = () =>
    db.transaction((tx) => issuePaper(tx, cipher, { citizenId, issuedBy: guardianId, now: NOW }));
  await t.notThrowsAsync(make());
  let made: Promise<unknown> = Promise.resolve();
  await db.transaction(async (tx) => {
    await endGuardianship(tx, { id, party: { guardianId }, now: NOW });
    made = t.throwsAsync(make(), { message: 'health_no_dependant' });
    t.is(await revokePapersBy(tx, { citizenId, issuedBy: guardianId, now: NOW }), 1);
  });
  await made;
  t.is(await revokePapersBy(db, { citizenId, issuedBy: guardianId, now: NOW }), 0, 'none is left');
});
