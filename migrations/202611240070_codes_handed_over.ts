import type { Knex } from 'knex';

/** What became of the message with a code: whether the gateway took it, and whether it counts. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- When the gateway last did not take the message.
    alter table outbox add column failed_at timestamptz;
    -- The message with the newest code; a look-up by the key of the outbox.
    alter table one_time_codes add column message_id uuid;
    -- The messages among those counted in "sent" that were not known to be handed over, or given up, when the last
    -- one was added; the newest stands last.
    alter table code_quotas add column pending uuid[] not null default '{}';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table code_quotas drop column pending;
    alter table one_time_codes drop column message_id;
    alter table outbox drop column failed_at;
  `);
}
