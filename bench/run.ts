import { benchEngine } from './health-code.ts';
import { benchCodes } from './health-code-show.ts';
import { benchIngestion } from './health-ingest.ts';
import { benchRuns } from './health-runs.ts';
import { benchProtocol } from './protocol.ts';

interface Bench {
  run(print: (line: string) => void, size: number): Promise<void> | void;
  /** How many rows or citizens, unless another number is given. */
  size?: number;
}

/** `npm run bench` runs all, `npm run bench -- ingestion 1000000` one, with so many rows. */
const BENCHES: Record<string, Bench> = {
  protocol: { run: benchProtocol },
  engine: { run: benchEngine },
  codes: { run: benchCodes },
  ingestion: { run: benchIngestion, size: 100_000 },
  runs: { run: benchRuns, size: 50_000 },
};

function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

const [named, given] = process.argv.slice(2);
if (named !== undefined && !(named in BENCHES))
  refuse(`There is no bench "${named}". There are: ${Object.keys(BENCHES).join(', ')}.`);
if (given !== undefined && !/^[1-9]\d{0,7}$/.test(given)) refuse('The size must be a whole number.');
for (const [name, { run, size = 0 }] of Object.entries(BENCHES)) {
  if (named !== undefined && named !== name) continue;
  process.stdout.write(`\n${name}\n`);
  await run((line) => process.stdout.write(`${line}\n`), given === undefined ? size : Number(given));
}
