import { measure, median } from './load.ts';
import { describe, readCounts } from './round-trips.ts';
import { startBare, startOurs } from './servers.ts';
import { type Browser, type Party, partyAt, type Tokens } from './user-agent.ts';

/** So many in flight that neither side ever waits for the next request: ours would, for as long as the database works. */
const WORKERS = 16;
const ROUNDS = 5;
const ROUND_MS = 1_500;
/** Both sides answer some ten thousand requests of a kind before the compiler is done with their code, the slower one later. */
const WARM_UP_MS = 15_000;

interface Ready {
  party: Party;
  browsers: Browser[];
  tokens: Tokens[];
}

/** What is measured; `target` is the least ratio that we want to keep. */
const OPERATIONS: { what: string; target?: number; run(ready: Ready, worker: number): Promise<unknown> }[] = [
  { what: 'SSO authorize + code exchange', run: ({ party, browsers }, w) => party.signOn(browsers[w]!) },
  { what: 'refresh', target: 0.5, run: ({ party, tokens }, w) => party.refresh(tokens[w]!.refresh_token) },
  {
    what: 'introspection',
    target: 0.5,
    run: ({ party, tokens }, w) => party.introspect(tokens[w]!.access_token),
  },
  { what: 'userinfo', target: 0.5, run: ({ party, tokens }, w) => party.userinfo(tokens[w]!.access_token) },
  { what: 'cold login (password, SMS)', run: ({ party }) => party.logIn() },
];

async function prepare(party: Party): Promise<Ready> {
  const browsers: Browser[] = [];
  const tokens: Tokens[] = [];
  for (let worker = 0; worker < WORKERS; worker += 1) {
    const browser = await party.logIn();
    browsers.push(browser);
    tokens.push(await party.signOn(browser));
  }
  return { party, browsers, tokens };
}

/** Ours on PostgreSQL beside the bare library in memory, in turns, as the middle of several rounds. */
export async function benchProtocol(print: (line: string) => void): Promise<void> {
  const bare = await startBare();
  const ours = await startOurs();
  const parties = [partyAt(bare.issuer, undefined, WORKERS), partyAt(ours.issuer, ours.person, WORKERS)];
  try {
    print(`${'requests a second'.padEnd(32)}    bare    ours  ratio  target`);
    for (const { what, target, run } of OPERATIONS) {
      const rates: { bare: number[]; ours: number[]; ratio: number[] } = { bare: [], ours: [], ratio: [] };
      // The bare library's adapter forgets what is old, so each operation begins with fresh tokens.
      const [theirs, mine] = await Promise.all(parties.map(prepare));
      const rateOf = (ready: Ready, milliseconds: number) =>
        measure(async (worker) => void (await run(ready, worker)), { workers: WORKERS, milliseconds });
      for (const ready of [theirs!, mine!]) await rateOf(ready, WARM_UP_MS);
      const before = await readCounts(ours.issuer);
      for (let round = 0; round < ROUNDS; round += 1) {
        const bareRate = await rateOf(theirs!, ROUND_MS);
        const ourRate = await rateOf(mine!, ROUND_MS);
        rates.bare.push(bareRate);
        rates.ours.push(ourRate);
        rates.ratio.push(ourRate / bareRate);
      }
      const counts = describe(before, await readCounts(ours.issuer));
      const number = (values: number[]) => median(values).toFixed(0).padStart(8);
      const ratio = median(rates.ratio).toFixed(2).padStart(7);
      const goal = target === undefined ? '' : `  ≥ ${target.toFixed(2)}`;
      print(`${what.padEnd(32)}${number(rates.bare)}${number(rates.ours)}${ratio}${goal}`);
      print(`    round trips: ${counts}`);
    }
  } finally {
    await Promise.all(parties.map((party) => party.close()));
    await Promise.all([bare.stop(), ours.stop()]);
  }
}
