import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NEIGHBOUR_OFFSET } from './neighbours.ts';
import { loadPeople } from './people/person.ts';
import { type Program, processes } from './processes.ts';
import { fail, runSandbox } from './run.ts';
import { settle } from './settle.ts';

/** `npm start`: the sandbox with everything. `npm run neighbour`: another province beside it. */

/** Two people of each level whose codes are fixed, to log in with at once. */
function somePeople(): string {
  const people = loadPeople().filter((person) => person.password && person.fixed_code);
  const levels = [...new Set(people.map(({ level }) => level))];
  const names = levels.map((level) => {
    const first = people.filter((person) => person.level === level).slice(0, 2);
    return `${level}: ${first.map(({ username }) => username).join(', ')}`;
  });
  const [one] = people;
  return one ? `people (password ${one.password}, code ${one.fixed_code}) ${names.join('; ')}` : '';
}

const addresses = (programs: readonly Program[]) =>
  programs.map(({ name, port, env }) => `${name} ${env.ORIGIN ?? `http://localhost:${port}`}`).join(' · ');

const offset = process.env.PORT_OFFSET || '0';
if (!/^\d{1,5}$/.test(offset) || Number(offset) > 62_000) {
  fail('PORT_OFFSET must be a whole number from 0 to 62000, such as PORT_OFFSET=100.');
}
if (process.env.NODE_ENV === 'production') {
  fail('npm start is a sandbox with keys that everybody knows. For production use "npm run serve".');
}

const neighbour = process.argv.includes('--neighbour');
const home = process.env.SANDBOX_DATA || fileURLToPath(new URL('../.data', import.meta.url));

await runSandbox(
  {
    dataDir: neighbour ? join(home, 'neighbour') : home,
    portOffset: Number(offset) + (neighbour ? NEIGHBOUR_OFFSET : 0),
    neighbour,
    // Two provinces in one database would be one province.
    databaseUrl: (!neighbour && process.env.DATABASE_URL) || undefined,
    given: process.env,
    programs: processes,
    prepare: settle,
  },
  (programs) => `${addresses(programs)} · ${somePeople()}`,
);
