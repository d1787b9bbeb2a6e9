import type { SealedColumn } from './platform/reseal.ts';

/**
 * Every column whose values a master key seals by itself, beside the persons' own keys (`citizens.wrapped_key`).
 * A test compares it with the migrations: a new column of bytes is either here or named there as none.
 */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'signing_keys', column: 'private_jwk', purpose: 'signing_key', owner: 'kid' },
  { table: 'outbox', column: 'sealed', purpose: 'outbox', owner: 'id::text' },
  {
    table: 'account_sessions',
    column: 'pending_phone',
    purpose: 'account-phone',
    owner: `encode(key, 'hex')`,
  },
  {
    table: 'registration_drafts',
    column: 'sealed',
    purpose: 'registration_draft',
    owner: `encode(ticket_hash, 'hex')`,
  },
  { table: 'recoveries', column: 'sealed', purpose: 'recovery', owner: 'id::text' },
  { table: 'guardianship_requests', column: 'body', purpose: 'guardianship_request', owner: 'id::text' },
  { table: 'health_declarations', column: 'body', purpose: 'health_declaration', owner: 'citizen_id::text' },
  { table: 'health_trips', column: 'body', purpose: 'health_trip', owner: 'citizen_id::text' },
  { table: 'health_appeals', column: 'body', purpose: 'health_appeal', owner: 'citizen_id::text' },
  { table: 'health_appeals', column: 'answer', purpose: 'health_appeal_answer', owner: 'citizen_id::text' },
  { table: 'health_papers', column: 'code', purpose: 'health_paper', owner: 'id::text' },
  { table: 'health_keys', column: 'private_jwk', purpose: 'health_key', owner: 'kid' },
  { table: 'health_day_keys', column: 'key', purpose: 'health_day_key', owner: 'day::text' },
];
