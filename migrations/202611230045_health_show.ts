import type { Knex } from 'knex';

/** Codes that citizens show: online, offline and on paper. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Unlogged, because a row lives a minute and is written each time somebody looks at their code. After a crash
    -- the table is empty: what was shown then is unknown, and the phone shows the next one.
    create unlogged table health_codes (
      hash bytea primary key,
      citizen_id uuid not null,
      expires_at timestamptz not null,
      redeemed_at timestamptz,
      venue_id uuid
    );
    create index health_codes_expires on health_codes (expires_at);

    create table health_keys (
      kid text primary key,
      private_jwk bytea not null,
      -- Doors learn a new key before anything is signed with it.
      signs_from timestamptz not null
    );

    create sequence health_attestation_status minvalue 0;
    create table health_attestations (
      citizen_id uuid not null,
      -- Its place in the status lists; all that a code gives away of this row.
      status bigint not null,
      -- On whose phone it is: the citizen's own, or a guardian's.
      shown_by uuid not null,
      colour text not null check (colour in ('GREEN', 'YELLOW', 'RED')),
      issued_at timestamptz not null,
      expires_at timestamptz not null,
      revoked boolean not null default false,
      primary key (citizen_id, status)
    );
    create index health_attestations_status on health_attestations (status);
    create index health_attestations_expires on health_attestations (expires_at);
    create index health_attestations_revoked on health_attestations (status) where revoked;

    create function health_severity(colour text) returns int language sql immutable as $$
      select coalesce(array_position(array['GREEN', 'YELLOW', 'RED'], colour), 0)
    $$;
    -- Whoever decides, one citizen or a million at once: a colour that got worse takes back what phones hold.
    create function health_withdraw() returns trigger language plpgsql as $$
    begin
      update health_attestations set revoked = true
      where citizen_id = new.citizen_id and not revoked
        and health_severity(colour) < health_severity(new.colour);
      return null;
    end $$;
    create trigger health_people_worse after update of colour on health_people
      for each row when (old.colour is distinct from new.colour) execute function health_withdraw();

    create table health_papers (
      citizen_id uuid not null,
      id uuid not null,
      hash bytea not null,
      -- The code itself, so that it can be printed again.
      code bytea not null,
      issued_at timestamptz not null,
      expires_at timestamptz not null,
      revoked_at timestamptz,
      primary key (citizen_id, id)
    );
    create index health_papers_hash on health_papers (hash);
    create index health_papers_expires on health_papers (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger health_people_worse on health_people;
    drop function health_withdraw();
    drop function health_severity(text);
    drop table health_codes, health_keys, health_attestations, health_papers;
    drop sequence health_attestation_status;
  `);
}
