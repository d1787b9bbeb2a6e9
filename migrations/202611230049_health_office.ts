import type { Knex } from 'knex';

/** Who works on the health code, and what citizens ask to be looked at again. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Officers are citizens. One row a role; a role that was taken back keeps its row.
    create table health_officers (
      citizen_id uuid not null,
      role text not null
        check (role in ('health_officer', 'health_approver', 'rule_signer', 'activation_approver', 'alarm_contact')),
      organisation text not null,
      org_type text not null,
      granted_at timestamptz not null,
      ended_at timestamptz,
      primary key (citizen_id, role)
    );
    create index health_officers_role on health_officers (role) where ended_at is null;

    create table health_appeals (
      citizen_id uuid not null,
      id uuid not null,
      decision_id uuid not null,
      -- What the citizen wrote, and what the officer answered: sealed.
      body bytea not null,
      answer bytea,
      state text not null check (state in ('open', 'upheld', 'rejected', 'withdrawn')),
      filed_at timestamptz not null,
      due_at timestamptz not null,
      claimed_by uuid,
      claimed_at timestamptz,
      decided_by uuid,
      decided_at timestamptz,
      primary key (citizen_id, id),
      check (state not in ('upheld', 'rejected') or (answer is not null and decided_by is not null))
    );
    create unique index health_appeals_open on health_appeals (citizen_id, decision_id) where state = 'open';
    create index health_appeals_work on health_appeals (filed_at, id) where state = 'open';
    create index health_appeals_id on health_appeals (id);
    create index health_appeals_decided on health_appeals (decided_at) where decided_at is not null;

    -- What an appeal is about: rows of evidence, check-ins, orders.
    create table health_appeal_items (
      citizen_id uuid not null,
      appeal_id uuid not null,
      kind text not null check (kind in ('evidence', 'checkin', 'order')),
      item_id uuid not null,
      primary key (citizen_id, appeal_id, kind, item_id)
    );

    -- A check-in stays as it was said; after an appeal it no longer counts.
    create table health_checkin_voids (
      citizen_id uuid not null,
      checkin_id uuid not null,
      appeal_id uuid not null,
      at timestamptz not null,
      primary key (citizen_id, checkin_id)
    );
    -- An order no longer holds for this one person.
    alter table health_order_subjects add column lifted_at timestamptz;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table health_order_subjects drop column lifted_at;
    drop table health_checkin_voids, health_appeal_items, health_appeals, health_officers;
  `);
}
