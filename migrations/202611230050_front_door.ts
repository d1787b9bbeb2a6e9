import type { Knex } from 'knex';

/**
 * What the front door keeps between two pages. A browser holds only a random ticket; the row is found by
 * its hash, and what was typed is sealed in it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table login_attempts (
      interaction_uid text primary key,
      citizen_id uuid not null,
      password_at timestamptz,
      finished_at timestamptz,
      expires_at timestamptz not null
    );
    create index login_attempts_expires on login_attempts (expires_at);

    create table consents (
      citizen_id uuid not null,
      client_id text not null,
      claim_set text not null,
      claims text[] not null,
      given_at timestamptz not null,
      withdrawn_at timestamptz,
      primary key (citizen_id, client_id, claim_set)
    );

    create table consent_answers (
      interaction_uid text not null,
      citizen_id uuid not null,
      claim_set text not null,
      allowed boolean not null,
      expires_at timestamptz not null,
      primary key (interaction_uid, citizen_id, claim_set)
    );
    create index consent_answers_expires on consent_answers (expires_at);

    create table registration_drafts (
      ticket_hash bytea primary key,
      sealed bytea not null,
      citizen_id uuid,
      finished_at timestamptz,
      expires_at timestamptz not null
    );
    create index registration_drafts_expires on registration_drafts (expires_at);

    create table recoveries (
      id uuid primary key,
      ticket_hash bytea not null,
      kind text not null check (kind in ('password', 'phone')),
      state text not null check (state in ('started', 'proved', 'waiting', 'applied', 'cancelled', 'refused')),
      citizen_id uuid,
      sealed bytea not null,
      stop_hash bytea,
      apply_at timestamptz,
      decided_at timestamptz,
      expires_at timestamptz not null
    );
    create unique index recoveries_ticket on recoveries (ticket_hash);
    create index recoveries_stop on recoveries (stop_hash) where stop_hash is not null;
    create index recoveries_citizen on recoveries (citizen_id) where citizen_id is not null;
    create index recoveries_due on recoveries (apply_at) where state = 'waiting';
    create index recoveries_expires on recoveries (expires_at);
  `);
}

export async function down(): Promise<void> {
  throw new Error('Consents are not taken back by a migration.');
}
