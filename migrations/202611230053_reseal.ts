import type { Knex } from 'knex';

/**
 * A declaration is never changed, but a rotation of the master key seals the same words with another key: allowed
 * for that column alone, and only to a transaction that says that this is what it does.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create or replace function health_refuse() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' and current_setting('yimatong.health_purge', true) = 'on' then
        return old;
      end if;
      if tg_op = 'UPDATE' and tg_table_name = 'health_declarations'
        and current_setting('yimatong.reseal', true) = 'on'
        and to_jsonb(new) - 'body' = to_jsonb(old) - 'body' then
        return new;
      end if;
      raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$`);
}

export async function down(): Promise<void> {
  throw new Error('The older form of the function would refuse a rotation of keys that is under way.');
}
