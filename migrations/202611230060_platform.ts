import type { Knex } from 'knex';

/** Messages to be sent, and the counters that slow down repeated attempts. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table outbox (
      id uuid primary key,
      channel text not null check (channel in ('sms', 'mail')),
      kind text not null,
      -- Receiver and text; gone as soon as the message is sent or given up.
      sealed bytea,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      -- When it may be tried (again); a deliverer that claims it moves this on, so that a crash frees it.
      due_at timestamptz not null,
      attempts integer not null default 0,
      sent_at timestamptz,
      given_up_at timestamptz,
      reference text,
      check ((sealed is null) = (sent_at is not null or given_up_at is not null))
    )`);
  await knex.raw('create index outbox_due on outbox (due_at) where sealed is not null');
  await knex.raw('create index outbox_done on outbox (created_at) where sealed is null');
  // The columns are those that rate-limiter-flexible expects; "expire" is in milliseconds.
  await knex.raw(`
    create table rate_limits (
      key varchar(255) primary key,
      points integer not null default 0,
      expire bigint
    )`);
  await knex.raw('create index rate_limits_expire on rate_limits (expire)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table rate_limits');
  await knex.raw('drop table outbox');
}
