import type { Knex } from 'knex';

/** When to ask again about a check that a person decides in their own time; null for all others. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table proofings add column ask_at timestamptz');
  await knex.raw(
    `create index proofings_awaited on proofings (ask_at) where status = 'started' and ask_at is not null`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table proofings drop column ask_at');
}
