import type { Knex } from 'knex';

/** A kind of source is as fresh as its most silent feed (`src/health-code/collection/feeds.ts`), not as its newest. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    update health_sources h set received_at = f.received_at
    from (select source, min(received_at) as received_at from health_feeds group by source) f
    where f.source = h.source
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update health_sources h set received_at = f.received_at
    from (select source, max(received_at) as received_at from health_feeds group by source) f
    where f.source = h.source
  `);
}
