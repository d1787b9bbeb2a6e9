import type { Knex } from 'knex';

/** Evidence and proofs: what the ladder is computed from. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table evidence (
      id uuid not null,
      citizen_id uuid not null,
      method text not null,
      source text not null,
      transaction_id text not null,
      at timestamptz not null,
      expires_at timestamptz,
      primary key (citizen_id, id),
      unique (citizen_id, method, source, transaction_id)
    )`);
  await knex.raw(`
    create table evidence_endings (
      citizen_id uuid not null,
      evidence_id uuid not null,
      ended_at timestamptz not null,
      reason text not null,
      primary key (citizen_id, evidence_id)
    )`);
  await knex.raw(`
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$`);
  for (const table of ['evidence', 'evidence_endings']) {
    await knex.raw(`
      create trigger ${table}_append_only before update or delete or truncate on ${table}
      for each statement execute function refuse_change()`);
  }
  await knex.raw(`
    create table proofs (
      id uuid not null,
      citizen_id uuid not null,
      interaction_uid text,
      session_uid text,
      method text not null,
      at timestamptz not null,
      bound_level text not null,
      credential_id text,
      user_verified boolean,
      hardware boolean,
      evidence_id uuid,
      primary key (citizen_id, id),
      check (interaction_uid is not null or session_uid is not null)
    )`);
  await knex.raw('create index proofs_session on proofs (session_uid) where session_uid is not null');
  await knex.raw(
    'create index proofs_interaction on proofs (interaction_uid) where interaction_uid is not null',
  );
  await knex.raw('create index proofs_at on proofs (at)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table proofs, evidence_endings, evidence');
  await knex.raw('drop function refuse_change()');
}
