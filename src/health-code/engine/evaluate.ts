import { formatInstant } from './civil-day.ts';
import { countedEvidence } from './filter.ts';
import type { HealthyDays } from './healthy-days.ts';
import { healthyDays } from './healthy-days.ts';
import { overridesInForce } from './overrides.ts';
import { judgeRed } from './red.ts';
import type { RuleSet } from './rule-set.ts';
import type { Colour, HealthInput, TraceEntry, Verdict } from './types.ts';
import { judgeYellow } from './yellow.ts';

/**
 * The colour of a health code, why, and when it can end at the earliest. Pure: the same input, instant and
 * rule set give the same verdict, in whatever order the rows come.
 *
 * @param asOf the instant of the question, in milliseconds; whatever is dated later is not known yet.
 */
export function evaluate(input: HealthInput, asOf: number, rules: RuleSet): Verdict {
  const trace: TraceEntry[] = [];
  const grey = greyReason(input, rules);
  if (grey) return { colour: 'GREY', reasons: [grey], earliestExit: undefined, trace };

  const give = (colour: Colour, reasons: string[], earliestExit?: number): Verdict => ({
    colour,
    reasons: input.staleSources.length > 0 ? [...reasons, rules.degraded] : reasons,
    earliestExit,
    trace: trace.length > 1 ? sorted(trace) : trace,
  });
  const counted = countedEvidence(input.evidence, asOf, rules, trace);
  const forced = overridesInForce(input.overrides, asOf, rules, trace);
  for (const end of Object.values(forced)) trace.push({ code: 'override', until: formatInstant(end) });
  const codes = rules.overrides.codes;

  let known: HealthyDays | undefined;
  const days = () => {
    if (!known) {
      const unwell = counted.filter((row) => row.meaning.unhealthyDay).map((row) => row.at);
      known = healthyDays(input.checkins, unwell, input.outageDays, asOf, rules);
    }
    return known;
  };

  const red = judgeRed(counted, input.release, days, asOf, rules, trace);
  if (red.state === 'open') return give('RED', ascending(red.codes));
  if (red.state === 'clock') return give('RED', ascending(red.codes), red.earliestExit);
  if (red.state === 'unproven') {
    return give('RED', [rules.red.unproven, ...ascending(red.codes)], red.earliestExit);
  }
  if (forced.RED !== undefined) return give('RED', [codes.RED], forced.RED);

  const redAnchor = red.state === 'ended' ? red.anchor : Number.NEGATIVE_INFINITY;
  const yellow = judgeYellow(counted, input.checkins, redAnchor, days, asOf, rules, trace);
  if (yellow.state === 'running' && forced.GREEN === undefined) {
    return give('YELLOW', ascending(yellow.codes), yellow.earliestExit);
  }
  if (forced.YELLOW !== undefined) return give('YELLOW', [codes.YELLOW], forced.YELLOW);
  if (forced.GREEN !== undefined) return give('GREEN', [codes.GREEN], forced.GREEN);

  if (yellow.state === 'ended') return give('GREEN', [rules.green.yellowEnded]);
  if (red.state === 'ended') return give('GREEN', [rules.green.redEnded]);
  return give('GREEN', [rules.green.clean]);
}

function greyReason({ level, declaration }: HealthInput, rules: RuleSet): string | undefined {
  if (level === 'anonymous') return rules.grey.level;
  return declaration ? undefined : rules.grey.declaration;
}

const ascending = (codes: readonly string[]): string[] =>
  codes.length === 1 ? [...codes] : [...new Set(codes)].sort();

/** Rows in the order of their ids, so that the trace does not depend on the order of the input. */
function sorted(trace: TraceEntry[]): TraceEntry[] {
  const key = ({ id, code, until = '' }: TraceEntry) =>
    `${id === undefined ? 1 : 0} ${id ?? ''} ${code} ${until}`;
  return trace
    .map((entry) => ({ entry, key: key(entry) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ entry }) => entry);
}
