import type { Knex } from 'knex';

/** English pages look up the English name of a department by its Chinese one. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`create index clients_by_department on clients ((metadata ->> 'department'))`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index clients_by_department');
}
