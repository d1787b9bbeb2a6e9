import type { Knex } from 'knex';

/** Logins under way are ended with the sessions of their citizen, and so are looked up by citizen. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create index login_attempts_citizen on login_attempts (citizen_id)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index login_attempts_citizen');
}
