import type { Knex } from 'knex';

/**
 * The health code. What citizens say and what is decided is kept by citizen; what sources say by *subject*,
 * the blind index of the document number, because sources know people who never registered.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table health_activations (
      id uuid primary key,
      legal_basis text not null,
      region text not null,
      valid_from timestamptz not null,
      valid_to timestamptz not null,
      approver1 text not null,
      approver2 text not null,
      recorded_at timestamptz not null,
      withdrawn_at timestamptz,
      check (approver1 <> approver2),
      check (valid_from < valid_to)
    );
    create index health_activations_live on health_activations (valid_to) where withdrawn_at is null;

    create table health_rule_sets (
      version text primary key,
      digest bytea not null,
      signer1 text,
      signer2 text,
      live_from timestamptz,
      recorded_at timestamptz not null,
      check (signer1 <> signer2),
      check (live_from is null or (signer1 is not null and signer2 is not null))
    );

    create table health_people (
      citizen_id uuid primary key,
      subject bytea not null,
      declared_at timestamptz not null,
      level_ever text not null check (level_ever in ('anonymous', 'basic', 'intermediate', 'advanced')),
      colour text,
      reasons text[],
      rule_set text,
      decision_id uuid,
      next_eval_at timestamptz
    );
    create index health_people_subject on health_people (subject);
    create index health_people_due on health_people (next_eval_at) where next_eval_at is not null;

    create table health_declarations (
      citizen_id uuid not null,
      id uuid not null,
      at timestamptz not null,
      notice text not null,
      -- What was declared, sealed; its digest is what the citizen signed.
      body bytea not null,
      digest bytea not null,
      session_uid text,
      primary key (citizen_id, id)
    );
    create index health_declarations_at on health_declarations (at);

    create table health_checkins (
      citizen_id uuid not null,
      id uuid not null,
      at timestamptz not null,
      -- Tenths of a degree Celsius.
      temp smallint,
      symptoms text[] not null,
      primary key (citizen_id, id)
    );
    create index health_checkins_at on health_checkins (at);

    create table health_evidence (
      subject bytea not null,
      id uuid not null,
      type text not null,
      source text not null,
      -- The source's own name of the row; it arrives once, however often it is sent.
      reference text not null,
      at timestamptz not null,
      purpose text,
      phone_owner_verified boolean,
      discharged_at timestamptz,
      revoked_at timestamptz,
      superseded_at timestamptz,
      appeal_at timestamptz,
      appeal_decision text check (appeal_decision in ('upheld', 'rejected')),
      received_at timestamptz not null,
      primary key (subject, id)
    );
    create unique index health_evidence_reference on health_evidence (subject, source, reference);
    create index health_evidence_received on health_evidence (received_at);

    create table health_releases (
      subject bytea not null,
      id uuid not null,
      source text not null,
      reference text not null,
      at timestamptz not null,
      received_at timestamptz not null,
      primary key (subject, id)
    );
    create unique index health_releases_reference on health_releases (subject, source, reference);

    create table health_orders (
      id uuid primary key,
      colour text not null check (colour in ('GREEN', 'YELLOW', 'RED')),
      purpose text not null,
      org_type text not null,
      organisation text not null,
      evidence_id text not null,
      valid_from timestamptz not null,
      valid_to timestamptz not null,
      approver1 text not null,
      approver2 text,
      state text not null check (state in ('requested', 'approved', 'refused', 'withdrawn')),
      requested_at timestamptz not null,
      decided_at timestamptz,
      check (approver1 <> approver2),
      check (valid_from < valid_to),
      check (state <> 'approved' or approver2 is not null)
    );
    create index health_orders_waiting on health_orders (requested_at) where state = 'requested';

    create table health_order_subjects (
      subject bytea not null,
      order_id uuid not null,
      primary key (subject, order_id)
    );
    create index health_order_subjects_order on health_order_subjects (order_id);

    create table health_sources (
      source text primary key,
      -- The newest fact that the source has told us of, and when it last told us anything.
      watermark timestamptz,
      received_at timestamptz not null
    );

    create table health_outage_days (day date primary key, reason text not null, recorded_at timestamptz not null);

    create table health_decisions (
      citizen_id uuid not null,
      id uuid not null,
      at timestamptz not null,
      colour text not null,
      reasons text[] not null,
      sources text[] not null,
      rule_set text not null,
      inputs_hash bytea not null,
      earliest_exit timestamptz,
      trace jsonb not null,
      primary key (citizen_id, id)
    );
    create index health_decisions_at on health_decisions (at);

    create function health_refuse() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' and current_setting('yimatong.health_purge', true) = 'on' then
        return old;
      end if;
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$;
  `);
  for (const table of ['health_declarations', 'health_checkins', 'health_decisions']) {
    await knex.raw(`
      create trigger ${table}_append_only before update or delete on ${table}
        for each row execute function health_refuse();
    `);
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table health_activations, health_rule_sets, health_people, health_declarations, health_checkins,
      health_evidence, health_releases, health_orders, health_order_subjects, health_sources,
      health_outage_days, health_decisions;
    drop function health_refuse();
  `);
}
