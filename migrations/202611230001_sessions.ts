import type { Knex } from 'knex';

/**
 * Protocol records. Whatever a browser or a client presents (session cookie, code, token, request_uri,
 * interaction cookie) is stored as its SHA-256 only, in `key`: who reads the database cannot replay it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table sessions (
      uid text primary key,
      key bytea not null,
      previous_key bytea,
      previous_key_until timestamptz,
      account_id text,
      login_at timestamptz,
      details jsonb not null,
      authorizations jsonb not null default '{}',
      user_agent text,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      ended_at timestamptz,
      end_reason text
    );
    create index sessions_key on sessions (key);
    create index sessions_previous_key on sessions (previous_key) where previous_key is not null;
    create index sessions_account on sessions (account_id) where ended_at is null;
    create index sessions_expiry on sessions (expires_at);

    create table interactions (
      key bytea primary key,
      payload jsonb not null,
      expires_at timestamptz not null
    );
    create index interactions_expiry on interactions (expires_at);

    create table grants (
      id text primary key,
      account_id text,
      client_id text not null,
      payload jsonb not null,
      expires_at timestamptz not null
    );
    create index grants_account on grants (account_id);
    create index grants_expiry on grants (expires_at);

    create table authorization_codes (
      key bytea primary key,
      grant_id text,
      session_uid text,
      payload jsonb not null,
      expires_at timestamptz not null,
      consumed_at timestamptz
    );
    create index authorization_codes_grant on authorization_codes (grant_id);
    create index authorization_codes_expiry on authorization_codes (expires_at);

    create table access_tokens (
      key bytea primary key,
      grant_id text,
      session_uid text,
      payload jsonb not null,
      expires_at timestamptz not null
    );
    create index access_tokens_grant on access_tokens (grant_id);
    create index access_tokens_expiry on access_tokens (expires_at);

    create table refresh_tokens (
      key bytea primary key,
      grant_id text,
      session_uid text,
      payload jsonb not null,
      expires_at timestamptz not null,
      consumed_at timestamptz
    );
    create index refresh_tokens_grant on refresh_tokens (grant_id);
    create index refresh_tokens_expiry on refresh_tokens (expires_at);

    create table pushed_authorization_requests (
      key bytea primary key,
      payload jsonb not null,
      expires_at timestamptz not null,
      consumed_at timestamptz
    );
    create index pushed_authorization_requests_expiry on pushed_authorization_requests (expires_at);

    create table replay_records (
      key bytea primary key,
      expires_at timestamptz not null
    );
    create index replay_records_expiry on replay_records (expires_at);

    create table signing_keys (
      kid text primary key,
      position integer not null,
      private_jwk bytea not null,
      created_at timestamptz not null,
      retired_at timestamptz
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table sessions, interactions, grants, authorization_codes, access_tokens, refresh_tokens,
      pushed_authorization_requests, replay_records, signing_keys
  `);
}
