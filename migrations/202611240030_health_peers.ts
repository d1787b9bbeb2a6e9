import type { Knex } from 'knex';

/** Each province has a freshness and a state of its own, and a full file begins a chain of files anew. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- One row for all provinces: while any of them spoke, the silence of another was not seen.
    delete from health_sources where source = 'peer';
    insert into health_sources (source, watermark, received_at)
      select 'peer:' || issuer, max(received_at), max(received_at) from health_peer_files
      where state = 'accepted' group by issuer;

    -- When the issuer made it, and how often and until when the same refusal came again.
    alter table health_peer_files
      add column created_at timestamptz, add column last_at timestamptz, add column times integer not null default 1;
    update health_peer_files set created_at = received_at, last_at = received_at;
    alter table health_peer_files alter column created_at set not null, alter column last_at set not null;
    create index health_peer_files_accepted on health_peer_files (issuer, created_at) where state = 'accepted';
    create index health_peer_files_rejected on health_peer_files (issuer, last_at) where state = 'rejected';

    -- How the last attempt to fetch from a province ended; trouble is empty when it ended well.
    create table health_peer_contacts (
      issuer text primary key,
      tried_at timestamptz not null,
      reached_at timestamptz,
      trouble text,
      trouble_since timestamptz,
      check ((trouble is null) = (trouble_since is null))
    );

    -- Provinces that cannot go on with what they have of ours: the next file is a full one.
    create table health_full_wanted (issuer text primary key, asked_at timestamptz not null);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table health_full_wanted, health_peer_contacts;
    drop index health_peer_files_accepted, health_peer_files_rejected;
    alter table health_peer_files drop column created_at, drop column last_at, drop column times;
    delete from health_sources where source like 'peer:%';
  `);
}
