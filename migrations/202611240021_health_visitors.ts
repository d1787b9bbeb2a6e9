import type { Knex } from 'knex';

/** Visitors of other provinces leave a row at a door too. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table health_scans drop constraint health_scans_kind_check;
    alter table health_scans add constraint health_scans_kind_check
      check (kind in ('online', 'offline', 'paper', 'visitor'));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from health_scans where kind = 'visitor';
    alter table health_scans drop constraint health_scans_kind_check;
    alter table health_scans add constraint health_scans_kind_check check (kind in ('online', 'offline', 'paper'));
  `);
}
