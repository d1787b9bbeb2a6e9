import type { Knex } from 'knex';

/** The catalogue: who may ask (clients) and whose APIs are asked (resources). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table clients (
      client_id text primary key,
      metadata jsonb not null,
      source text not null,
      updated_at timestamptz not null,
      disabled_at timestamptz
    );

    create table resources (
      identifier text primary key,
      client_id text not null,
      scope text not null,
      min_acr text not null,
      access_token_format text not null
    );
    create index resources_client on resources (client_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table clients, resources');
}
