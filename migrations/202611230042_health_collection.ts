import type { Knex } from 'knex';

/** What ingestion needs: versions of rows, movements that colour nobody, feeds with their freshness, batches. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The source's own count of its corrections; the highest wins, whatever arrives last.
    alter table health_evidence add column version integer not null default 1;
    alter table health_releases add column version integer not null default 1;
    alter table health_releases add column revoked_at timestamptz;

    -- Where somebody was. Colours nobody, and goes after two weeks.
    create table health_movements (
      subject bytea not null,
      source text not null,
      reference text not null,
      version integer not null,
      type text not null,
      at timestamptz not null,
      place text,
      -- Tenths of a degree Celsius, as measured at the entrance.
      temp smallint,
      revoked_at timestamptz,
      received_at timestamptz not null,
      primary key (subject, source, reference)
    );
    create index health_movements_at on health_movements (at);

    create table health_feeds (
      client_id text not null,
      source text not null,
      -- The newest fact that this client has told us of, and when it last told us anything.
      watermark timestamptz,
      received_at timestamptz not null,
      kept bigint not null default 0,
      refused bigint not null default 0,
      primary key (client_id, source)
    );

    create table health_batches (
      client_id text not null,
      source text not null,
      key text not null,
      -- Whoever holds it works on the batch; it is taken over when nothing was seen of its holder for a while.
      holder uuid not null,
      seen_at timestamptz not null,
      finished_at timestamptz,
      -- SHA-256 of the lines, and the answer that was given.
      digest bytea,
      answer jsonb,
      primary key (client_id, source, key)
    );
    create index health_batches_seen on health_batches (seen_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table health_movements, health_feeds, health_batches;
    alter table health_evidence drop column version;
    alter table health_releases drop column version, drop column revoked_at;
  `);
}
