import type { Knex } from 'knex';

/** Who acts for whom: a guardian for a child, a helper for an elder who consented. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table guardianships (
      guardian_id uuid not null,
      id uuid not null,
      dependant_id uuid not null,
      kind text not null check (kind in ('child', 'elder')),
      -- The transaction by which the register confirmed it, or the elder's consent was taken.
      reference text not null,
      since timestamptz not null,
      ended_at timestamptz,
      ended_by text check (ended_by in ('guardian', 'dependant', 'grown_up', 'administrator')),
      primary key (guardian_id, id),
      check ((ended_at is null) = (ended_by is null)),
      check (guardian_id <> dependant_id)
    );
    create unique index guardianships_live on guardianships (guardian_id, dependant_id) where ended_at is null;
    create index guardianships_dependant on guardianships (dependant_id);

    -- An elder's consent on its way: what was typed, sealed, until the code that the elder got comes back.
    create table guardianship_requests (
      id uuid primary key,
      guardian_id uuid not null,
      body bytea not null,
      created_at timestamptz not null,
      expires_at timestamptz not null
    );
    create index guardianship_requests_expiry on guardianship_requests (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table guardianship_requests, guardianships');
}
