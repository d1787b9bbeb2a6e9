import { readFileSync } from 'node:fs';
import { createSource, SOURCES, type SourceName } from './source.ts';

/** `node sandbox/health-sources/send.ts hospital < rows.ndjson`: sends a file as one batch and prints the answer. */
const [name = '', key] = process.argv.slice(2);
if (!SOURCES.includes(name as SourceName)) {
  process.stderr.write(`Usage: send.ts ${SOURCES.join('|')} [batch key] < rows.ndjson\n`);
  process.exit(1);
}
const rows = readFileSync(0, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as object);
const answer = await createSource(process.env.ISSUER ?? 'http://localhost:3000', name as SourceName).send(
  rows,
  key,
);
for (const line of answer) process.stdout.write(`${JSON.stringify(line)}\n`);
process.exitCode = answer.at(-1)?.outcome === 'complete' ? 0 : 1;
