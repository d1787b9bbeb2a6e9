import type { Knex } from 'knex';

/** Days on which check-ins could not be taken, as one officer asks for them and another one approves. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table health_outage_requests (
      id uuid primary key,
      day date not null,
      reason text not null,
      state text not null check (state in ('requested', 'approved', 'refused')),
      requested_by text not null,
      requested_at timestamptz not null,
      decided_by text,
      decided_at timestamptz,
      check (requested_by <> decided_by),
      check (state = 'requested' or decided_by is not null)
    );
    create unique index health_outage_requests_day on health_outage_requests (day) where state <> 'refused';
    create index health_outage_requests_newest on health_outage_requests (requested_at desc, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table health_outage_requests');
}
