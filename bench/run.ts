import { benchEngine } from './health-code.ts';
import { benchIngestion } from './health-ingest.ts';
import { benchProtocol } from './protocol.ts';

type Bench = (print: (line: string) => void) => Promise<void> | void;

/** `npm run bench` runs all, `npm run bench -- protocol` those that are named. */
const BENCHES: Record<string, Bench> = {
  protocol: benchProtocol,
  engine: benchEngine,
  ingestion: (print) => benchIngestion(print),
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench "${unknown[0]}". There are: ${Object.keys(BENCHES).join(', ')}.\n`);
  process.exit(1);
}
for (const [name, bench] of Object.entries(BENCHES)) {
  if (named.length > 0 && !named.includes(name)) continue;
  process.stdout.write(`\n${name}\n`);
  await bench((line) => process.stdout.write(`${line}\n`));
}
