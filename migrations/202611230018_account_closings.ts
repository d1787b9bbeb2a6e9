import type { Knex } from 'knex';

/** Accounts that their citizens want closed, and when that is done. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table account_closings (
      citizen_id uuid primary key,
      asked_at timestamptz not null,
      close_at timestamptz not null
    )`);
  await knex.raw('create index account_closings_due on account_closings (close_at)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table account_closings');
}
