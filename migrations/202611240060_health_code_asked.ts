import type { Knex } from 'knex';

/** Which question of a door used a code up, so that the very same one can be answered again. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table health_codes add column asked bytea');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table health_codes drop column asked');
}
