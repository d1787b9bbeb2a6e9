import type { Knex } from 'knex';

/**
 * The audit log. An event is inserted unlinked, in the transaction of the act it tells about, and queues
 * itself for sealing; the sealer links it into the chain later. The queue row travels with the event, so a
 * transaction that commits late is still sealed, whatever was sealed in between.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_events (
      id uuid primary key,
      type text not null,
      citizen_id uuid,
      client_id text,
      actor text,
      session_uid text,
      detail jsonb not null,
      at timestamptz not null
    );
    create index audit_events_citizen on audit_events (citizen_id, at desc) where citizen_id is not null;

    create table audit_unsealed (event_id uuid primary key, at timestamptz not null);
    create index audit_unsealed_at on audit_unsealed (at);

    create table audit_links (
      seq bigint primary key,
      event_id uuid not null unique,
      hash bytea not null,
      sealed_at timestamptz not null
    );

    create table audit_heads (
      seq bigint primary key,
      hash bytea not null,
      jws text not null,
      sealed_at timestamptz not null
    );
    create index audit_heads_sealed_at on audit_heads (sealed_at);

    create table audit_chain (
      id smallint primary key check (id = 1),
      seq bigint not null,
      hash bytea not null
    );
    insert into audit_chain (id, seq, hash) values (1, 0, decode(repeat('00', 32), 'hex'));

    create table access_log (
      citizen_id uuid not null,
      id uuid not null,
      client_id text not null,
      what text[] not null,
      purpose text not null,
      at timestamptz not null,
      primary key (citizen_id, id)
    );
    create index access_log_newest on access_log (citizen_id, at desc, id desc);
    create index access_log_at on access_log (at);

    create function audit_refuse() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' and current_setting('yimatong.audit_purge', true) = 'on' then
        return old;
      end if;
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$;

    create function audit_queue() returns trigger language plpgsql as $$
    begin
      insert into audit_unsealed (event_id, at) values (new.id, new.at);
      return null;
    end $$;

    create trigger audit_events_queue after insert on audit_events
      for each row execute function audit_queue();
  `);
  for (const table of ['audit_events', 'audit_links', 'audit_heads', 'access_log']) {
    await knex.raw(`
      create trigger ${table}_append_only before update or delete on ${table}
        for each row execute function audit_refuse();
      create trigger ${table}_never_truncated before truncate on ${table}
        for each statement execute function audit_refuse();
    `);
  }
}

export async function down(): Promise<void> {
  throw new Error('The audit log is not taken back.');
}
