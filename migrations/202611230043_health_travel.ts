import type { Knex } from 'knex';

/** Declared trips, what the carrier said of each, and who spoke for somebody else. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table health_trips (
      citizen_id uuid not null,
      id uuid not null,
      declared_at timestamptz not null,
      -- Who declared it, where that was a guardian.
      declared_by uuid,
      -- Where, when and how, sealed; its digest is what was signed.
      body bytea not null,
      digest bytea not null,
      notice text not null,
      session_uid text,
      -- Keyed hash of where and when: the carrier is asked about the same thing once.
      fingerprint bytea not null,
      -- waiting to be asked; answered; unanswered after the last attempt; never to be asked
      state text not null check (state in ('waiting', 'answered', 'unanswered', 'not_asked')),
      attempts smallint not null default 0,
      asked_at timestamptz,
      answer text check (answer in ('yes', 'no', 'unknown')),
      reference text,
      withdrawn_at timestamptz,
      primary key (citizen_id, id),
      check ((state = 'answered') = (answer is not null))
    );
    create index health_trips_fingerprint on health_trips (citizen_id, fingerprint);
    create index health_trips_waiting on health_trips (declared_at) where state = 'waiting';
    create index health_trips_declared on health_trips (declared_at);

    alter table health_declarations add column declared_by uuid;
    alter table health_checkins add column said_by uuid;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table health_trips;
    alter table health_declarations drop column declared_by;
    alter table health_checkins drop column said_by;
  `);
}
