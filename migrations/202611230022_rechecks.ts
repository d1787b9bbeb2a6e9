import type { Knex } from 'knex';

/** When a register or carrier is to be asked again about somebody whom it confirmed. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table rechecks (
      citizen_id uuid not null,
      method text not null,
      due_at timestamptz not null,
      primary key (citizen_id, method)
    )`);
  await knex.raw('create index rechecks_due on rechecks (due_at)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table rechecks');
}
