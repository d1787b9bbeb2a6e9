import { existsSync, readFileSync } from 'node:fs';
import { SANDBOX_KEYS } from './keys.ts';

/** `npm run officers` for a sandbox that runs: the same command, with its keys and its database. */
const dataDir = process.env.SANDBOX_DATA || new URL('../.data', import.meta.url).pathname;
const file = `${dataDir}/database-url`;
if (existsSync(file)) {
  const local = 'http://localhost:3000';
  Object.assign(process.env, SANDBOX_KEYS, {
    SANDBOX: '1',
    ISSUER: local,
    AUTHORITIES_URL: local,
    DATABASE_URL: readFileSync(file, 'utf8').trim(),
  });
  await import('../src/officers.ts');
} else {
  process.stderr.write('No sandbox runs here. Start one with "npm start".\n');
  process.exitCode = 1;
}
