import type { Knex } from 'knex';

/** Those who check codes, and what is kept of a check. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table health_venues (
      id uuid primary key,
      name text not null,
      region text not null,
      registered_by text not null,
      registered_at timestamptz not null,
      disabled_at timestamptz
    );

    -- A phone or a gate at a venue. One that is lost is taken out without the others.
    create table health_venue_devices (
      id text primary key,
      venue_id uuid not null,
      label text not null,
      secret_hash bytea not null,
      registered_by text not null,
      registered_at timestamptz not null,
      disabled_at timestamptz
    );
    create index health_venue_devices_venue on health_venue_devices (venue_id);

    -- Offline codes that a venue has seen, until their time is over.
    create table health_showings (
      venue_id uuid not null,
      digest text not null,
      expires_at timestamptz not null,
      primary key (venue_id, digest)
    );
    create index health_showings_expires on health_showings (expires_at);

    -- Whoever holds a day's key can tell whose scans of that day were whose; when it is gone, nobody can.
    create table health_day_keys (
      day date primary key,
      key bytea not null
    );

    create table health_scans (
      venue_id uuid not null,
      id uuid not null,
      at timestamptz not null,
      kind text not null check (kind in ('online', 'offline', 'paper')),
      -- HMAC(key of the day, venue, citizen): the same person at the same venue on the same day, no more.
      pseudonym bytea not null,
      primary key (venue_id, id)
    );
    create index health_scans_venue on health_scans (venue_id, at);
    create index health_scans_at on health_scans (at);

    create table health_reidentifications (
      id uuid primary key,
      venue_id uuid not null,
      scans_from timestamptz not null,
      scans_to timestamptz not null,
      grounds text not null,
      requested_by text not null,
      requested_at timestamptz not null,
      state text not null check (state in ('requested', 'approved', 'refused')),
      decided_by text,
      decided_at timestamptz,
      check (scans_from < scans_to),
      check (state = 'requested' or decided_by is not null),
      check (decided_by <> requested_by)
    );
    create index health_reidentifications_waiting on health_reidentifications (requested_at)
      where state = 'requested';

    create table health_reidentified (
      request_id uuid not null,
      citizen_id uuid not null,
      first_at timestamptz not null,
      last_at timestamptz not null,
      primary key (request_id, citizen_id)
    );
    create index health_reidentified_last on health_reidentified (last_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table health_venues, health_venue_devices, health_showings, health_day_keys, health_scans,
      health_reidentifications, health_reidentified;
  `);
}
