import type { Knex } from 'knex';

/** Persons, their accounts (a person may have none), what both are found by, and old identifiers. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table citizens (
      id uuid primary key,
      state text not null default 'active' check (state in ('active', 'deceased')),
      document_type text not null check (document_type in
        ('resident_id', 'residence_permit', 'foreign_permanent_resident', 'passport')),
      wrapped_key bytea not null,
      name bytea not null,
      id_number bytea not null,
      birth_date bytea,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );

    create table accounts (
      citizen_id uuid primary key,
      state text not null default 'active' check (state in ('active', 'locked', 'closed')),
      state_reason text,
      state_at timestamptz not null,
      username bytea,
      phone bytea,
      phone_bound_level text check (phone_bound_level in ('anonymous', 'basic', 'intermediate', 'advanced')),
      phone_since timestamptz,
      phone_last_used_at timestamptz,
      -- Until then the account is no more than basic (recovery).
      level_cap_until timestamptz,
      created_at timestamptz not null,
      check ((phone is null) = (phone_bound_level is null))
    );

    -- Sharded by its own blind index: no foreign key to the citizen.
    create table identifiers (
      kind text not null check (kind in ('id_number', 'username', 'phone')),
      index bytea not null,
      citizen_id uuid not null,
      primary key (kind, index)
    );

    -- Identifiers of older platforms, found by (system, index).
    create table bindings (
      system text not null,
      index bytea not null,
      citizen_id uuid not null,
      created_at timestamptz not null,
      primary key (system, index)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table bindings, identifiers, accounts, citizens');
}
