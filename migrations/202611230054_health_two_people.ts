import type { Knex } from 'knex';

/**
 * Orders by two people: what those read whom they touch, who ended them, and the alarm for large ones. Switching the
 * health code on takes two acts by two people as well, not one by one who names the other.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table health_orders
      add column reason text not null default '',
      add column people integer not null default 0,
      -- Who approved, refused or withdrew it, and when it was withdrawn.
      add column decided_by text,
      add column withdrawn_at timestamptz;
    create index health_orders_requester on health_orders (approver1, requested_at);
    create index health_orders_newest on health_orders (requested_at desc, id);

    create table health_order_alarms (
      order_id uuid not null,
      kind text not null check (kind in ('requested', 'approved')),
      people integer not null,
      at timestamptz not null,
      seen_by uuid,
      seen_at timestamptz,
      primary key (order_id, kind)
    );
    create index health_order_alarms_open on health_order_alarms (at) where seen_at is null;

    alter table health_activations
      alter column approver2 drop not null,
      add column decided_at timestamptz,
      add column refused_at timestamptz;
    update health_activations set decided_at = recorded_at;
    create index health_activations_newest on health_activations (recorded_at desc, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index health_activations_newest;
    delete from health_activations where approver2 is null;
    alter table health_activations alter column approver2 set not null, drop column decided_at,
      drop column refused_at;
    drop table health_order_alarms;
    drop index health_orders_newest;
    drop index health_orders_requester;
    alter table health_orders drop column reason, drop column people, drop column decided_by,
      drop column withdrawn_at;
  `);
}
