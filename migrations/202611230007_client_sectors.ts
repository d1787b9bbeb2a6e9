import type { Knex } from 'knex';

/** Whether two relying parties share a sector is asked at every release of the health code. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create index clients_sector on clients ((metadata ->> 'sector')) where disabled_at is null`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index clients_sector');
}
