import { days } from '../src/health-code/engine/civil-day.ts';
import { evaluate } from '../src/health-code/engine/evaluate.ts';
import { NOTHING_KNOWN } from '../src/health-code/engine/nothing-known.ts';
import { loadRuleSets } from '../src/health-code/engine/rule-set.ts';
import type { HealthInput } from '../src/health-code/engine/types.ts';

const MILLISECONDS = 500;
const AS_OF = Date.parse('2020-04-10T12:00:00+08:00');
const base: HealthInput = { ...NOTHING_KNOWN, level: 'basic', declaration: true };
const row = (type: string, source: string, ago: number) => ({
  id: 'e',
  type,
  source,
  at: AS_OF - days(ago),
  purpose: 'epidemic_prevention',
});
const checkins = Array.from({ length: 20 }, (_, ago) => ({
  at: AS_OF - days(ago),
  temp: 36.5,
  symptoms: [],
}));

/** What people look like: most have declared and nothing else. */
const people: Record<string, HealthInput> = {
  'nothing but a declaration': base,
  'thirty days of check-ins': { ...base, checkins },
  'yellow, on the way to green': { ...base, checkins, evidence: [row('MEDIUM_RISK_STAY', 'transport', 3)] },
  'red, clock over, run not': {
    ...base,
    checkins: checkins.slice(3),
    evidence: [row('CLOSE_CONTACT', 'cdc', 15)],
  },
};

/** Evaluations a second on one core, for each kind of person. */
export function benchEngine(print: (line: string) => void): void {
  const rules = loadRuleSets()[0]!;
  for (const [what, input] of Object.entries(people)) {
    for (let i = 0; i < 5_000; i += 1) evaluate(input, AS_OF + i, rules);
    const start = performance.now();
    let count = 0;
    let spent = 0;
    while (spent < MILLISECONDS) {
      for (let i = 0; i < 1_000; i += 1) evaluate(input, AS_OF + i, rules);
      count += 1_000;
      spent = performance.now() - start;
    }
    const perSecond = Math.round((count / spent) * 1_000).toLocaleString('en');
    print(`${perSecond.padStart(12)} evaluations a second: ${what}`);
  }
}
