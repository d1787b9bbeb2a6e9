import { z } from 'zod';
import { type AuditEvent, EVENTS, type EventType } from './events.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** A phone, an ID number, a card, or an SMS code: none of the log's own names looks like one. */
const NUMBER = /^\d+[Xx]?$/;
/** Same as above, anywhere inside a longer word. */
const LONG_NUMBER = /\d{6}/;

const id = z.string().regex(UUID);
const name = z
  .string()
  .max(200)
  .regex(/^[a-z][A-Za-z0-9._:/-]*$/)
  .refine((text) => UUID.test(text) || !LONG_NUMBER.test(text));

/** Who acted, when it was not the citizen: `system`, `job:seal`, `officer:<uuid>` … */
const actor = z.union([
  z.enum(['citizen', 'client', 'system', 'sandbox']),
  z.string().regex(/^job:[a-z][a-z-]{0,40}$/),
  z
    .string()
    .regex(/^(officer|administrator|approver|guardian|operator):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
]);

const sessionUid = z
  .string()
  .regex(/^[A-Za-z0-9_-]{8,64}$/)
  .refine((text) => !NUMBER.test(text));
const clientId = z.union([name, id]);
/** Whether the log can name such a client; one that it cannot could never act. */
export const isAuditableClientId = (text: string): boolean => clientId.safeParse(text).success;
const envelope = z.strictObject({
  citizenId: id.optional(),
  clientId: clientId.optional(),
  actor: actor.optional(),
  sessionUid: sessionUid.optional(),
  at: z.date(),
});

/** Thrown when an event holds what the closed list does not allow. Says where, never what. */
export class UnsafeAuditEvent extends TypeError {
  override readonly name = 'UnsafeAuditEvent';
}

/**
 * Checks an event against the closed list.
 *
 * @returns the detail to store.
 * @throws UnsafeAuditEvent naming the offending fields, without their values.
 */
export function checkEvent<T extends EventType>(event: AuditEvent<T>): Record<string, unknown> {
  const { type, detail = {}, ...rest } = event;
  if (!Object.hasOwn(EVENTS, type)) throw new UnsafeAuditEvent('unknown type of audit event');
  const outer = envelope.safeParse(rest);
  const inner = EVENTS[type].safeParse(detail);
  const fields = [outer, inner].flatMap((result) =>
    result.success ? [] : result.error.issues.map((issue) => issue.path.join('.') || 'an unknown field'),
  );
  if (!outer.success || !inner.success) {
    throw new UnsafeAuditEvent(`audit event ${type} may not hold this: ${[...new Set(fields)].join(', ')}`);
  }
  return inner.data;
}

/** A word of an access log row: the name of a claim, or of a purpose. */
export const accessWord = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9_.:-]*$/)
  .refine((text) => !LONG_NUMBER.test(text));
export const accessRow = z.strictObject({
  citizenId: id,
  clientId,
  what: z.array(accessWord).min(1).max(50),
  purpose: accessWord,
  at: z.date(),
});
