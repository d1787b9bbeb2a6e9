import type { Knex } from 'knex';

/** The work list is in the order in which appeals are due, not in which they were filed. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index health_appeals_work;
    create index health_appeals_work on health_appeals (due_at, id) where state = 'open';
    create index health_appeals_held on health_appeals (claimed_at) where state = 'open' and claimed_by is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index health_appeals_held, health_appeals_work;
    create index health_appeals_work on health_appeals (filed_at, id) where state = 'open';
  `);
}
