import type { Knex } from 'knex';

/** Public halves of the keys that signed heads, for `npm run audit:verify`; they outlive the keys' rotation. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_keys (kid text primary key, public_jwk jsonb not null, since timestamptz not null);
    create trigger audit_keys_append_only before update or delete on audit_keys
      for each row execute function audit_refuse();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit_keys');
}
