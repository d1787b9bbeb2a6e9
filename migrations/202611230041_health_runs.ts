import type { Knex } from 'knex';

/** Passes over everybody: a new rule set in shadow, or everybody decided anew. Each can be stopped and goes on. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table health_runs (
      id uuid primary key,
      kind text not null check (kind in ('shadow', 'live')),
      version text not null,
      -- The last citizen that was looked at.
      cursor uuid not null default '00000000-0000-0000-0000-000000000000',
      done bigint not null default 0,
      total bigint not null,
      -- How many went from one colour to another: {"GREEN>YELLOW": 12}.
      shifts jsonb not null default '{}',
      started_at timestamptz not null,
      finished_at timestamptz
    );
    create index health_runs_open on health_runs (started_at) where finished_at is null;
    create index health_runs_version on health_runs (version, kind);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table health_runs');
}
