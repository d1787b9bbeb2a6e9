import test from 'ava';
import fc from 'fast-check';
import { accessRow, checkEvent, UnsafeAuditEvent } from '../../src/audit/check-event.ts';
import type { AuditEvent, EventType } from '../../src/audit/events.ts';
import { EVENTS } from '../../src/audit/events.ts';

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
