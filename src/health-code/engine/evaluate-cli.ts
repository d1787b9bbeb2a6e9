import { readFileSync } from 'node:fs';
import { BadCase, evaluateCase, parseCases } from './case.ts';
import { loadRuleSets } from './rule-set.ts';

/** `npm run -s health:evaluate < cases.json`: prints what the engine says about each case. */
try {
  const cases = parseCases(readFileSync(0, 'utf8'));
  const sets = loadRuleSets();
  process.stdout.write(`${JSON.stringify(cases.map((each) => evaluateCase(each, sets)))}\n`);
} catch (error) {
  if (!(error instanceof BadCase)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
