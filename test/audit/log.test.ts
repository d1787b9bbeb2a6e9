import test from 'ava';
import fc from 'fast-check';
import { readAccess, recordAccess } from '../../src/audit/access-log.ts';
import { accessRow, checkEvent, UnsafeAuditEvent } from '../../src/audit/check-event.ts';
import { type AuditEvent, EVENTS, type EventType } from '../../src/audit/events.ts';
import { purgeAccessLog } from '../../src/audit/purge.ts';
import { newId } from '../../src/platform/id.ts';
import { freshDatabase } from '../support/database.ts';

const at = new Date('2026-03-01T08:00:00Z');
const uuid = '01890a5d-ac96-774b-bcce-b302099a8057';

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });
const personal = fc.oneof(
  fc.tuple(digits(17, 17), fc.constantFrom(...'0123456789X')).map(([body, check]) => body + check),
  digits(9, 9).map((rest) => `13${rest}`),
  digits(9, 9).map((rest) => `+8613${rest}`),
  digits(6, 6),
  digits(13, 19),
  fc.constantFrom('张三', '买买提·吐尔逊', '欧阳 娜娜', 'Müller Anna', 'ANNA MARIA'),
  fc.base64String({ minLength: 24, maxLength: 60 }).map((text) => `${text}=`),
  fc.constantFrom('E12345678', 'H1234567890', '某市某区某路 1 号', 'someone@example.com'),
);
const types = Object.keys(EVENTS) as EventType[];

test('personal data is refused in every field of the detail of every kind of event', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...types), personal, (type, value) => {
      const fields = [...Object.keys(EVENTS[type].shape), 'note', 'name'];
      for (const field of fields) {
        for (const each of [
          value,
          Number(value.replace(/\D/g, '') || '100000') + 100_000,
          [value],
          { value },
        ]) {
          const event = { type, at, detail: { [field]: each } } as unknown as AuditEvent;
          t.throws(() => checkEvent(event), { instanceOf: UnsafeAuditEvent });
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('personal data is refused as citizen, client, actor and session', (t) => {
  fc.assert(
    fc.property(personal, (value) => {
      for (const field of ['citizenId', 'clientId', 'actor', 'sessionUid']) {
        if (field === 'sessionUid' && /^[A-Za-z0-9_-]+$/.test(value) && !/^\d+[Xx]?$/.test(value)) continue;
        t.throws(() => checkEvent({ type: 'password.changed', at, [field]: value } as AuditEvent), {
          instanceOf: UnsafeAuditEvent,
        });
      }
      t.false(
        accessRow.safeParse({ citizenId: uuid, clientId: 'a', what: [value], purpose: 'a', at }).success,
      );
      t.false(
        accessRow.safeParse({ citizenId: uuid, clientId: 'a', what: ['a'], purpose: value, at }).success,
      );
    }),
    { numRuns: 300 },
  );
});

test('the error names the field and never the value', (t) => {
  const event = { type: 'login.failed', at, detail: { reason: '13800138000' } } as unknown as AuditEvent;
  const error = t.throws(() => checkEvent(event), { instanceOf: UnsafeAuditEvent });
  t.regex(error.message, /reason/);
  t.notRegex(error.message, /13800138000/);
});

test('an event of the list with an actor, a client and a session is accepted', (t) => {
  t.deepEqual(
    checkEvent({
      type: 'login.succeeded',
      citizenId: uuid,
      clientId: 'portal-a',
      actor: `officer:${uuid}`,
      sessionUid: 'V1StGXR8_Z5jdHi6B-myT',
      detail: { level: 'basic', factor: 'sms' },
      at,
    }),
    { level: 'basic', factor: 'sms' },
  );
  t.notThrows(() => checkEvent({ type: 'client.registered', clientId: 'https://node.example/entity', at }));
});

test('an unknown kind of event is refused', (t) => {
  t.throws(() => checkEvent({ type: 'anything.else', at } as unknown as AuditEvent), {
    instanceOf: UnsafeAuditEvent,
  });
});

const atSecond = (second: number) => new Date(Date.UTC(2026, 2, 1, 8, 0, second));
const row = { clientId: 'epidemic-a', what: ['health_code'], purpose: 'epidemic_prevention' };

test('a citizen reads who saw their data, newest first, page by page, and nobody else’s rows', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = newId();
  for (let i = 0; i < 5; i += 1)
    await recordAccess(db, { ...row, citizenId, at: atSecond(Math.floor(i / 2)) });
  await recordAccess(db, { ...row, citizenId: newId(), at: atSecond(9) });
  const first = await readAccess(db, citizenId, { limit: 3 });
  const second = await readAccess(db, citizenId, { limit: 3, after: first.next });
  t.deepEqual(
    [...first.rows, ...second.rows].map((each) => each.at.getUTCSeconds()),
    [2, 1, 1, 0, 0],
  );
  t.is(new Set([...first.rows, ...second.rows].map((each) => each.id)).size, 5);
  t.is(second.next, undefined);
  t.deepEqual(first.rows[0]?.what, ['health_code']);
});

test('a page of the access log is read from its index', async (t) => {
  const db = await freshDatabase(t);
  const plan = await db.transaction(async (tx) => {
    await tx.query('set local enable_seqscan = off');
    await tx.query('set local enable_bitmapscan = off');
    return tx.query<{ 'QUERY PLAN': string }>(
      `explain select id from access_log where citizen_id = '${newId()}' order by at desc, id desc limit 20`,
    );
  });
  const text = plan.map((line) => line['QUERY PLAN']).join('\n');
  t.regex(text, /access_log_newest/);
  t.notRegex(text, /Sort/);
});

test('a value in place of the name of a claim is refused', async (t) => {
  const db = await freshDatabase(t);
  const access = { ...row, citizenId: newId(), at: atSecond(0) };
  await t.throwsAsync(recordAccess(db, { ...access, what: ['张三'] }), { message: /what/ });
  await t.throwsAsync(recordAccess(db, { ...access, purpose: '13800138000' }), { message: /purpose/ });
});

test('access rows older than they are kept go in batches', async (t) => {
  const db = await freshDatabase(t);
  const citizenId = newId();
  for (const second of [0, 1, 2, 50]) await recordAccess(db, { ...row, citizenId, at: atSecond(second) });
  t.is(await purgeAccessLog(db, { now: atSecond(59), keepSeconds: 30, batch: 2 }), 3);
  t.is((await readAccess(db, citizenId)).rows.length, 1);
});
