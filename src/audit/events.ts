import { z } from 'zod';

/*
 * The closed list of what may be written into the audit log. Every text in a detail comes from an
 * enumeration and every number is small: free text is how names, ID numbers, codes and tokens got into
 * other people's logs. A new kind of event, or a new value, is a line here.
 */

const level = z.enum(['anonymous', 'basic', 'intermediate', 'advanced']);
const factor = z.enum(['password', 'sms', 'totp', 'passkey', 'live_face', 'voiceprint', 'video']);
const method = z.enum([
  'register',
  'carrier',
  'in_person',
  'face',
  'alipay',
  'social_security_card',
  'bank_card',
  'live_face',
  'voiceprint',
  'video',
]);
const source = z.enum([
  'police',
  'entry_exit',
  'carrier',
  'face',
  'alipay',
  'social_security',
  'bank',
  'live_face',
  'voiceprint',
  'video',
  'counter',
  'officer',
]);
const documentType = z.enum(['resident_id', 'residence_permit', 'foreign_permanent_resident', 'passport']);
const claimSet = z.enum([
  'openid',
  'profile',
  'phone',
  'email',
  'address',
  'identity',
  'health_code',
  'verified_claims',
  'finance',
]);
/** Why something was refused, ended or changed. */
const reason = z.enum([
  'abandoned',
  'account_closed',
  'administrator',
  'already_registered',
  'cancelled',
  'carrier_mismatch',
  'child',
  'client_disabled',
  'code_expired',
  'code_spent',
  'code_wrong',
  'deceased',
  'expired',
  'failed',
  'idle',
  'locked',
  'logout',
  'mismatch',
  'new_owner',
  'not_live',
  'password_changed',
  'pending',
  'phone_changed',
  'recovery',
  'reenrolled',
  'replay',
  'requested',
  'sim_changed',
  'switched_account',
  'too_many_attempts',
  'too_young',
  'unavailable',
  'unknown',
  'unknown_account',
  'unmet_level',
  'wrong_credential',
]);
const officerRole = z.enum([
  'health_officer',
  'health_approver',
  'rule_signer',
  'activation_approver',
  'alarm_contact',
]);
const count = z.number().int().min(0).max(9_999);
const yes = z.boolean();
const nothing = z.strictObject({});
const onDay = z.strictObject({ day: z.iso.date() });

export const EVENTS = {
  'registration.started': nothing,
  'registration.refused': z.strictObject({ reason }),
  'registration.completed': z.strictObject({ documentType: documentType.optional() }),
  'registration.imported': nothing,
  'dependant.recorded': nothing,
  'guardianship.recorded': z.strictObject({ kind: z.enum(['child', 'elder']) }),
  'guardianship.ended': nothing,

  'login.succeeded': z.strictObject({ level, factor: factor.optional() }),
  'login.failed': z.strictObject({ factor: factor.optional(), reason: reason.optional() }),
  'proof.recorded': z.strictObject({ method: factor, level: level.optional() }),
  'code.sent': z.strictObject({
    purpose: z.enum(['login', 'registration', 'recovery', 'phone', 'security', 'guardianship']),
  }),
  'step_up.satisfied': z.strictObject({ level }),
  'step_up.unmet': z.strictObject({ level, reason: reason.optional() }),
  'session.ended': z.strictObject({ reason, count: count.optional() }),
  'logout.delivered': nothing,
  'logout.failed': nothing,

  'proofing.started': z.strictObject({ method }),
  'proofing.accepted': z.strictObject({ method, source: source.optional() }),
  'proofing.refused': z.strictObject({ method, reason }),
  'evidence.recorded': z.strictObject({ method, source: source.optional() }),
  'evidence.ended': z.strictObject({ method, reason }),
  'level.changed': z.strictObject({ from: level, to: level }),

  'credential.added': z.strictObject({ kind: factor, level: level.optional() }),
  'credential.removed': z.strictObject({ kind: factor }),
  'password.changed': nothing,
  'phone.changed': nothing,
  'phone.change_requested': nothing,
  'phone.change_cancelled': nothing,
  'email.changed': nothing,
  'recovery.started': z.strictObject({ kind: z.enum(['password', 'phone']) }),
  'recovery.completed': z.strictObject({ kind: z.enum(['password', 'phone']), keptPasskeys: yes.optional() }),
  'recovery.cancelled': z.strictObject({ kind: z.enum(['password', 'phone']) }),
  'recovery.refused': z.strictObject({ kind: z.enum(['password', 'phone']), reason }),
  'account.locked': z.strictObject({ reason }),
  'account.unlocked': z.strictObject({ reason: reason.optional() }),
  'account.closed': z.strictObject({ reason }),
  'account.closing_asked': nothing,
  'account.closing_cancelled': nothing,
  'account.exported': nothing,

  'consent.given': z.strictObject({ claimSet }),
  'consent.denied': z.strictObject({ claimSet }),
  'consent.withdrawn': z.strictObject({ claimSet: claimSet.optional() }),
  'grant.issued': z.strictObject({
    consent: z.enum(['implied', 'explicit']).optional(),
    widened: yes.optional(),
  }),
  'grant.revoked': z.strictObject({ reason: reason.optional() }),
  'token.replayed': z.strictObject({ kind: z.enum(['authorization_code', 'refresh_token', 'request_uri']) }),
  'claims.released': z.strictObject({ claimSet }),

  'client.registered': nothing,
  /** Says which parts are other than before, never what they hold. */
  'client.changed': z.strictObject({
    metadata: yes.optional(),
    secret: yes.optional(),
    resources: yes.optional(),
  }),
  'client.disabled': nothing,
  'client.enabled': nothing,
  /** A signing key in the steps of its life; the master key when everything has come under another one. */
  'key.rotated': z.strictObject({
    key: z.enum(['signing', 'master']),
    step: z.enum(['made', 'signs', 'retired']).optional(),
  }),

  'health.declared': nothing,
  'health.checked_in': nothing,
  'health.travel_declared': nothing,
  'health.travel_withdrawn': nothing,
  'health.travel_asked': z.strictObject({ answer: z.enum(['yes', 'no', 'unknown']) }),
  'health.decided': z.strictObject({ changed: yes.optional() }),
  'health.claim_released': nothing,
  'health.activation_requested': nothing,
  'health.activation_refused': nothing,
  'health.activated': nothing,
  'health.deactivated': nothing,
  'health.outage_requested': onDay,
  'health.outage_recorded': onDay,
  'health.outage_refused': onDay,
  'health.evidence_ingested': z.strictObject({
    source: z.enum([
      'hospital',
      'cdc',
      'transport',
      'entry_exit',
      'telecom',
      'insurance',
      'transit',
      'venue',
      'community',
      'police',
      'peer',
    ]),
  }),
  'health.evidence_revoked': nothing,
  'health.release_recorded': nothing,
  'health.rule_set_signed': nothing,
  'health.rule_set_shadow': nothing,
  'health.rule_set_live': nothing,
  'health.appealed': nothing,
  'health.appeal_withdrawn': nothing,
  'health.appeal_claimed': nothing,
  'health.appeal_released': nothing,
  'health.appeal_seen': nothing,
  'health.appeal_decided': z.strictObject({ decision: z.enum(['upheld', 'rejected']) }),
  'health.override_requested': nothing,
  'health.override_approved': nothing,
  'health.override_refused': nothing,
  'health.override_withdrawn': nothing,
  'health.override_lifted': nothing,
  'health.override_seen': nothing,
  'health.override_alarm': z.strictObject({ count }),
  'health.override_alarm_seen': nothing,
  'health.officer_granted': z.strictObject({ role: officerRole }),
  'health.officer_ended': z.strictObject({ role: officerRole }),
  'health.code_checked': nothing,
  'health.scan_identified': nothing,
  'health.file_made': nothing,
  'health.file_accepted': nothing,
  'health.file_rejected': nothing,
  'health.green_answered': nothing,
  'health.scan_identification_requested': nothing,
  'health.scan_identification_approved': z.strictObject({ count }),
  'health.scan_identification_refused': nothing,
  'health.venue_registered': nothing,
  'health.venue_disabled': nothing,
  'health.venue_device_added': nothing,
  'health.venue_device_disabled': nothing,
  'health.paper_issued': nothing,
  'health.paper_revoked': nothing,
  'health.codes_withdrawn': nothing,
  'health.code_kept': nothing,

  'audit.purged': nothing,
} as const;

export type EventType = keyof typeof EVENTS;
export type EventDetail<T extends EventType> = z.input<(typeof EVENTS)[T]>;

export interface AuditEvent<T extends EventType = EventType> {
  type: T;
  citizenId?: string | undefined;
  clientId?: string | undefined;
  actor?: string | undefined;
  sessionUid?: string | undefined;
  detail?: EventDetail<T>;
  at: Date;
}
