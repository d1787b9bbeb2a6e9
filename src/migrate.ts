import { migrate } from './platform/migrations.ts';

/** `npm run migrate`: brings the database of `DATABASE_URL` up to date and says what it did. */
const url = process.env.DATABASE_URL;
if (!url) {
  process.stderr.write('DATABASE_URL is not set. Set it to postgres://user:password@host:5432/database.\n');
  process.exitCode = 1;
} else {
  const done = await migrate(url);
  const names = done.map((file) => `  ${file.split('/').at(-1)}\n`).join('');
  process.stdout.write(
    done.length === 0 ? 'The database is up to date.\n' : `Migrations that ran:\n${names}`,
  );
}
