import type { Knex } from 'knex';

/** Sessions of the citizen's own pages, which sign in through the front door like any relying party. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table account_sessions (
      key bytea primary key,
      citizen_id uuid not null,
      -- The session at the front door that this one came from; it ends with it.
      session_uid text not null,
      -- When the citizen was last sent to log in again.
      confirmed_at timestamptz,
      -- A change of phone that waits for its code, sealed.
      pending_phone bytea,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index account_sessions_expiry on account_sessions (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table account_sessions');
}
