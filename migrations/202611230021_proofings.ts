import type { Knex } from 'knex';

/** Checks that citizens set out on, and the authorities' references that have been used up. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table proofings (
      -- What travels through the browser is found by its hash, and is worth nothing to who reads the table.
      state_hash bytea primary key,
      id uuid not null,
      citizen_id uuid not null,
      method text not null,
      interaction_uid text,
      session_uid text,
      browser_hash bytea not null,
      reference text not null,
      status text not null default 'started' check (status in ('started', 'accepted', 'refused')),
      reason text,
      started_at timestamptz not null,
      decided_at timestamptz,
      check (interaction_uid is not null or session_uid is not null),
      check ((status = 'started') = (decided_at is null))
    )`);
  await knex.raw(
    'create index proofings_interaction on proofings (interaction_uid) where interaction_uid is not null',
  );
  await knex.raw('create index proofings_session on proofings (session_uid) where session_uid is not null');
  await knex.raw('create index proofings_started on proofings (started_at)');
  await knex.raw(`
    create table redeemed_references (
      source text not null,
      reference text not null,
      redeemed_at timestamptz not null,
      primary key (source, reference)
    )`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table redeemed_references, proofings');
}
