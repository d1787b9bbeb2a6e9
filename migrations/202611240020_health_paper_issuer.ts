import type { Knex } from 'knex';

/** Who made a paper code: the citizen, or a guardian, whose papers end with the guardianship. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table health_papers add column issued_by uuid;
    update health_papers p set issued_by = coalesce(
      (select substr(e.actor, 10)::uuid from audit_events e
       where e.citizen_id = p.citizen_id and e.type = 'health.paper_issued' and e.at = p.issued_at
         and e.actor like 'guardian:%' limit 1),
      p.citizen_id);
    alter table health_papers alter column issued_by set not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table health_papers drop column issued_by');
}
