import test from 'ava';
import { recordGuardianship } from '../../../src/citizens/guardianship.ts';
import { createCitizen } from '../../../src/citizens/store.ts';
import { decideFor, runTransitions } from '../../../src/health-code/decide.ts';
import { sendNotices } from '../../../src/health-code/notices/send.ts';
import type { Database } from '../../../src/platform/database.ts';
import { loadTexts } from '../../../src/platform/i18n.ts';
import { deliver } from '../../../src/platform/outbox.ts';
import { cipher, minutesLater, NOW, phoneOf } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { daysLater, givenDeclared, givenEvidence, givenHealthCode } from '../../support/health.ts';

const tools = {
  cipher,
  t: loadTexts(new URL('../../../config/texts', import.meta.url).pathname).translator('zh-CN'),
  origin: 'https://id.example',
};

/** What citizens are told. */
async function told(db: Database, now: Date): Promise<{ to: string; text: string }[]> {
  while ((await sendNotices(db, tools, { now })) > 0);
  const sent: { to: string; text: string }[] = [];
  const send = async ({ to, text }: { to: string; text: string }) => {
    sent.push({ to, text });
    return undefined;
  };
  await deliver(db, cipher, send, now);
  return sent;
}

test('a colour that becomes worse is told by SMS, with where to read why and not with the reason', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  t.deepEqual(await told(db, NOW), []);
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await decideFor(db, citizenId, NOW);
  const [message, ...more] = await told(db, NOW);
  t.deepEqual(more, []);
  t.is(message?.to, phoneOf(1));
  t.regex(message!.text, /由绿码变为红码.*https:\/\/id\.example\/health\/code.*12345/);
  t.notRegex(message!.text, /密切|接触|示例/);
  t.deepEqual(await told(db, minutesLater(1)), []);
});

test('a colour that ends by the schedule is told too, one that comes and goes meanwhile is not', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const { citizenId, subject } = await givenDeclared(db, 1);
  await givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await decideFor(db, citizenId, NOW);
  await db.query('update health_evidence set revoked_at = $1', [minutesLater(1)]);
  await decideFor(db, citizenId, minutesLater(1));
  t.deepEqual(await told(db, minutesLater(1)), []);
  const order = {
    type: 'TELECOM_PROXIMITY',
    source: 'telecom',
    at: minutesLater(2),
    phoneOwnerVerified: true,
  };
  await givenEvidence(db, subject, order);
  await decideFor(db, citizenId, minutesLater(2));
  await db.query('update health_evidence set appeal_at = $1 where revoked_at is null', [minutesLater(3)]);
  await decideFor(db, citizenId, minutesLater(3));
  t.is((await told(db, minutesLater(3))).length, 1);
  await runTransitions(db, { now: daysLater(2) });
  t.regex((await told(db, daysLater(2)))[0]!.text, /由黄码转为绿码/);
});

test('a child without a phone is told through the guardian, by masked name', async (t) => {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const guardian = await givenDeclared(db, 1);
  const childId = await createCitizen(db, cipher, {
    name: '示例小苗',
    documentType: 'resident_id',
    idNumber: '390100201601020019',
    birthDate: '2016-01-02',
    now: NOW,
  });
  await recordGuardianship(db, {
    guardianId: guardian.citizenId,
    dependantId: childId,
    kind: 'child',
    reference: 'test',
    now: NOW,
  });
  await db.query(
    `insert into health_people (citizen_id, subject, declared_at, level_ever, colour, reasons, rule_set, decision_id)
     values ($1, $2, $3, 'basic', 'GREEN', '{G301}', '2020-1', $1)`,
    [childId, Buffer.alloc(32, 9), NOW],
  );
  await givenEvidence(db, Buffer.alloc(32, 9), { type: 'CLOSE_CONTACT', source: 'cdc', at: NOW });
  await decideFor(db, childId, NOW);
  const [message] = await told(db, NOW);
  t.is(message?.to, phoneOf(1));
  t.regex(message!.text, /示\*\*\*（由您监护）的健康码已由绿码变为红码/);
});
