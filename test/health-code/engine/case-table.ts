import { readFileSync } from 'node:fs';
import { RULE_SETS_DIR, type RuleSet } from '../../../src/health-code/engine/rule-set.ts';

/*
 * Reads the tables of cases that stand beside the rule sets (their form is told at their top) and turns
 * each line into the JSON that `health:evaluate` takes.
 */

type Row = Record<string, unknown>;

export interface TableCase {
  title: string;
  case: { no: number; asOf: string; input: Row };
  colour: string;
  reasons: string[];
  /** `undefined` where the line leaves it open. */
  earliestExit: string | null | undefined;
}

const FIRST = Date.parse('2020-04-01T00:00:00Z');

/** `14+23:59` → that instant; `14` → noon of that day. */
export function time(text: string): string {
  const [day, clock = '12:00'] = text.split('+');
  const date = new Date(FIRST + (Number(day) - 1) * 86_400_000).toISOString().slice(0, 10);
  return `${date}T${clock}:00+08:00`;
}
export const date = (text: string): string => time(text).slice(0, 10);

const TIMES = new Set(['at', 'dischargedAt', 'appealAt', 'supersededBy']);

/** `{a=1,b=}` → its fields; an empty one becomes `undefined`, which JSON leaves out. */
function fields(text: string | undefined): Row {
  const pairs = (text ?? '').split(',').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name, value] = pair.split('=') as [string, string];
      if (value === '') return [name, undefined];
      if (TIMES.has(name)) return [name, time(value)];
      if (name === 'forDate') return [name, date(value)];
      if (name === 'symptoms') return [name, value.split('+')];
      return [name, value === 'true' ? true : value === 'false' ? false : value];
    }),
  );
}

/** Turns the third column into the engine's input. */
export function inputOf(words: string, rules: RuleSet): Row {
  const input = {
    level: 'basic',
    declaration: true,
    evidence: [] as Row[],
    checkins: [] as Row[],
    release: [] as Row[],
    overrides: [] as Row[],
    staleSources: [] as string[],
    outageDays: [] as string[],
  };
  for (const [index, word] of words.split(' ').filter(Boolean).entries()) {
    const [, body = '', braces] = /^([^{]*)(?:\{(.*)\})?$/.exec(word) ?? [];
    const more = fields(braces);
    const [name = '', rest = ''] = body.split('@');
    if (name === 'undeclared') input.declaration = false;
    else if (name.startsWith('level:')) input.level = name.slice(6);
    else if (name.startsWith('stale:')) input.staleSources.push(name.slice(6));
    else if (name === 'outage') input.outageDays.push(date(rest));
    else if (name === 'well') {
      const [range = '', but = ''] = rest.split('!');
      const [first, last] = range.split('-').map(Number) as [number, number];
      const left = but.split(',').filter(Boolean).map(Number);
      for (let day = first; day <= last; day += 1) {
        if (!left.includes(day)) input.checkins.push({ at: time(`${day}+08:00`), temp: 36.5, symptoms: [] });
      }
    } else if (name === 'check') {
      const [at = '', temp = ''] = rest.split('=');
      input.checkins.push({ at: time(at), ...(temp !== 'none' && { temp: Number(temp) }), ...more });
    } else if (name === 'release') {
      const [at = '', source] = rest.split('/');
      input.release.push({ at: time(at), source });
    } else if (name === 'order') {
      const [window = '', colour] = rest.split('=');
      const [from = '', to = ''] = window.split('-');
      input.overrides.push({
        id: `o${index}`,
        colour,
        purpose: rules.purpose,
        approver1: 'a',
        approver2: 'b',
        orgType: 'health',
        evidenceId: 'e',
        from: time(from),
        to: time(to),
        ...more,
      });
    } else {
      const [at = '', source] = rest.split('/');
      const type = Object.hasOwn(rules.types, name) ? rules.types[name] : undefined;
      const from = source ?? type?.sources[0];
      if (from === undefined) throw new Error(`no source for ${word}`);
      input.evidence.push({
        id: `e${index}`,
        type: name,
        source: from,
        at: time(at),
        purpose: rules.purpose,
        ...(rules.phoneSources.includes(from) && { phoneOwnerVerified: true }),
        ...more,
      });
    }
  }
  return input;
}

/** The cases of one rule set. */
export function readTable(rules: RuleSet): TableCase[] {
  const text = readFileSync(new URL(`rules-${rules.version}.cases.txt`, RULE_SETS_DIR), 'utf8');
  const found: TableCase[] = [];
  let suite = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('# ')) suite = line.slice(2);
    if (suite === '' || line === '' || line.startsWith('# ')) continue;
    const columns = line.split(' | ');
    const [what = '', asOf = '', words = '', verdict = '', exit] =
      columns.length >= 4 ? columns : [columns[0], columns[1], '', columns[2]];
    const [colour = '', ...reasons] = verdict.split(' ');
    found.push({
      title: `${suite}: ${what}`,
      case: { no: found.length + 1, asOf: time(asOf), input: inputOf(words, rules) },
      colour,
      reasons,
      earliestExit: exit === undefined ? undefined : exit === 'none' ? null : time(exit),
    });
  }
  return found;
}
