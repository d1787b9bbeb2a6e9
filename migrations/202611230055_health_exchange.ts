import type { Knex } from 'knex';

/** Exchange with other provinces: what they told us, what we told them, and the pseudonyms of each month. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Behind '' a citizen has no pseudonym yet, so that "who lacks this month's" is a range of an index.
    alter table health_people add column pid_month text not null default '';
    create index health_people_pid_month on health_people (pid_month, citizen_id);
    create index health_people_at_risk on health_people (citizen_id) where colour in ('RED', 'YELLOW');

    create table health_pids (
      pid bytea not null,
      month text not null,
      citizen_id uuid not null,
      subject bytea not null,
      primary key (pid, month)
    );
    create index health_pids_month on health_pids (month);
    create index health_pids_citizen on health_pids (citizen_id);

    create table health_peer_files (
      issuer text not null,
      name text not null,
      state text not null check (state in ('accepted', 'rejected')),
      reason text,
      business_day date not null,
      seq integer not null,
      kind text not null check (kind in ('F', 'D')),
      digest text not null,
      row_count bigint not null,
      received_at timestamptz not null,
      primary key (issuer, name, received_at)
    );
    create index health_peer_files_received on health_peer_files (received_at);

    create table health_peer_rows (
      pid bytea not null,
      issuer text not null,
      colour text not null check (colour in ('RED', 'YELLOW')),
      effective_from timestamptz not null,
      effective_to timestamptz,
      reasons text[] not null,
      rule_set text not null,
      -- The time at which the peer took it back.
      superseded_at timestamptz,
      file text not null,
      received_at timestamptz not null,
      primary key (pid, issuer, colour, effective_from)
    );
    create index health_peer_rows_file on health_peer_rows (issuer, file);
    create index health_peer_rows_open on health_peer_rows (issuer) where superseded_at is null;
    create index health_peer_rows_received on health_peer_rows (received_at);

    create table health_own_files (
      name text primary key,
      business_day date not null,
      seq integer not null,
      kind text not null check (kind in ('F', 'D')),
      digest text not null,
      prev_digest text,
      row_count bigint not null,
      month text not null,
      created_at timestamptz not null
    );
    create index health_own_files_created on health_own_files (created_at);
    create table health_own_file_parts (
      name text not null,
      part integer not null,
      bytes bytea not null,
      primary key (name, part)
    );

    -- What the last file said, so that the next one can tell only what changed.
    create table health_told (
      citizen_id uuid primary key,
      pid bytea not null,
      document_type text not null,
      colour text not null,
      reasons text[] not null,
      effective_from timestamptz not null,
      effective_to timestamptz,
      rule_set text not null
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table health_told, health_own_file_parts, health_own_files, health_peer_rows, health_peer_files, health_pids;
    alter table health_people drop column pid_month;
  `);
}
