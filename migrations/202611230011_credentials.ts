import type { Knex } from 'knex';

/** What citizens log in with. Each credential keeps the level that its account had when it was enrolled. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table passwords (
      citizen_id uuid primary key,
      hash text not null,
      bound_level text not null check (bound_level in ('anonymous', 'basic', 'intermediate', 'advanced')),
      changed_at timestamptz not null,
      last_used_at timestamptz
    );

    create table totp_credentials (
      citizen_id uuid not null,
      id uuid not null,
      secret bytea not null,
      label text not null,
      bound_level text not null check (bound_level in ('anonymous', 'basic', 'intermediate', 'advanced')),
      created_at timestamptz not null,
      confirmed_at timestamptz,
      last_step bigint,
      last_used_at timestamptz,
      primary key (citizen_id, id)
    );
    create index totp_unconfirmed on totp_credentials (created_at) where confirmed_at is null;

    create table passkeys (
      citizen_id uuid not null,
      id text not null,
      public_key bytea not null,
      counter bigint not null,
      transports text[] not null,
      synced boolean not null,
      label text not null,
      bound_level text not null check (bound_level in ('anonymous', 'basic', 'intermediate', 'advanced')),
      created_at timestamptz not null,
      last_used_at timestamptz,
      primary key (citizen_id, id)
    );

    create table passkey_challenges (
      challenge text primary key,
      purpose text not null check (purpose in ('enrol', 'login')),
      context text not null,
      citizen_id uuid,
      expires_at timestamptz not null
    );
    create index passkey_challenges_expiry on passkey_challenges (expires_at);

    create table one_time_codes (
      context text not null,
      purpose text not null,
      phone_index bytea not null,
      code_hash bytea not null,
      failures smallint not null default 0,
      sent_at timestamptz not null,
      expires_at timestamptz not null,
      spent_at timestamptz,
      primary key (context, purpose, phone_index)
    );
    create index one_time_codes_expiry on one_time_codes (expires_at);

    -- How often a phone was sent a code since the window began.
    create table code_quotas (
      phone_index bytea primary key,
      window_start timestamptz not null,
      sent integer not null,
      last_sent_at timestamptz not null
    );
    create index code_quotas_window on code_quotas (window_start);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    'drop table code_quotas, one_time_codes, passkey_challenges, passkeys, totp_credentials, passwords',
  );
}
