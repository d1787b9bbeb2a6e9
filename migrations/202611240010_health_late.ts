import type { Knex } from 'knex';

/** Rows that came too late to be news, and what is needed to delete releases in the order of their arrival. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table health_evidence
      -- As what versions of the row came in time; empty where none did. Null: as what it says now.
      add column in_time text[],
      -- What it says now was never told in time: it counts for nothing.
      add column late boolean not null generated always as (
        in_time is not null and not (type || case when phone_owner_verified then '+' else '' end) = any (in_time)
      ) stored;
    create index health_releases_received on health_releases (received_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table health_evidence drop column late, drop column in_time;
    drop index health_releases_received;
  `);
}
