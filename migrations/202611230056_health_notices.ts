import type { Knex } from 'knex';

/** What citizens are still to be told: a colour that changed, an appeal that was decided. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table health_notices (
      citizen_id uuid not null,
      id uuid not null,
      kind text not null check (kind in ('colour', 'appeal')),
      -- The decision that changed the colour; a later one makes the notice worthless.
      decision_id uuid,
      was text,
      at timestamptz not null,
      due_at timestamptz not null,
      primary key (citizen_id, id)
    );
    create index health_notices_due on health_notices (due_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table health_notices');
}
