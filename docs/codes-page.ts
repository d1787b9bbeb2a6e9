import { readFileSync } from 'node:fs';
import { collectionSettings } from '../src/health-code/collection/settings.ts';
import { sourceKind } from '../src/health-code/collection/sources.ts';
import { formatInstant } from '../src/health-code/engine/civil-day.ts';
import { type RuleSet, ruleSets } from '../src/health-code/engine/rule-set.ts';
import { healthSettings } from '../src/health-code/settings.ts';
import { loadTexts, type TextParams } from '../src/platform/i18n.ts';

/*
 * `docs/standard/codes.md`: what the rule sets and the words of the pages say, and nothing beside them. Lists the newest rule
 * set first; a text or a code that is missing stops it.
 */

const texts = loadTexts(new URL('../config/texts/', import.meta.url).pathname);
const en = texts.translator('en');
const zh = texts.translator('zh-CN');

/** A text in both languages, as two cells. */
const both = (key: string, params: TextParams = {}) => `${en(key, params)} | ${zh(key, params)}`;
const code = (name: string) => `\`${name}\``;
const table = (head: string, rows: string[]) =>
  `${head}\n|${'---|'.repeat(head.split('|').length - 2)}\n${rows.map((row) => `| ${row} |`).join('\n')}\n`;

const COLOURS = { G: 'GREEN', Y: 'YELLOW', R: 'RED', U: 'GREY', D: '' } as const;
const colourOf = (reason: string) => COLOURS[reason[0] as keyof typeof COLOURS];
const reasonText = (reason: string) => both(`healthCode.reasons.${reason}.title`);

/** Every reason that a rule set can give, ascending. */
export function reasonsOf(rules: RuleSet): string[] {
  const { types, unhealthyCheckin, red, overrides, green, grey, degraded } = rules;
  const all = [
    ...Object.values(types).map((type) => type.code),
    unhealthyCheckin,
    red.unproven,
    ...Object.values(overrides.codes),
    ...Object.values(green),
    ...Object.values(grey),
    degraded,
  ];
  return [...new Set(all)].sort();
}

/** Codes and words of the trace, from the published words; a test compares them with the engine. */
export const traceCodes = (): string[] =>
  Object.keys(
    (
      JSON.parse(
        readFileSync(new URL('../config/texts/en/health-standard.json', import.meta.url), 'utf8'),
      ) as { trace: object }
    ).trace,
  );

const paramsOf = ({ red, yellow, weak }: RuleSet): TextParams => ({
  clockDays: red.clockDays,
  runDays: red.runDays,
  yellowDays: yellow.runDays,
  appealHours: weak.appealHours,
});

function precedence(rules: RuleSet): string {
  const { types, red, overrides, green, grey, degraded } = rules;
  const codesOf = (kinds: string[]) =>
    Object.values(types)
      .filter(({ kind }) => kinds.includes(kind))
      .map((type) => code(type.code))
      .sort()
      .join(' ');
  const rows: [string, string, string][] = [
    ['grey', 'GREY', `${code(grey.level)}; ${code(grey.declaration)}`],
    ['counted', '', ''],
    ['open', 'RED', codesOf(['case'])],
    ['clock', 'RED', codesOf(['case', 'red'])],
    ['unproven', 'RED', `${code(red.unproven)}, ${codesOf(['case', 'red'])}`],
    ['redOrder', 'RED', code(overrides.codes.RED)],
    ['yellow', 'YELLOW', codesOf(['yellow'])],
    ['yellowOrder', 'YELLOW', code(overrides.codes.YELLOW)],
    ['greenOrder', 'GREEN', code(overrides.codes.GREEN)],
    ['green', 'GREEN', `${code(green.yellowEnded)}; ${code(green.redEnded)}; ${code(green.clean)}`],
    ['degraded', '', code(degraded)],
  ];
  return table(
    '| | when | 情形 | colour | reasons |',
    rows.map(
      ([key, colour, codes], index) =>
        `${index + 1} | ${both(`healthStandard.rows.${key}`, paramsOf(rules))} | ${colour && code(colour)} | ${codes}`,
    ),
  );
}

function evidence(rules: RuleSet): string {
  return table(
    '| type | reason | sources that may assert it | 名称 | what follows | 结果 |',
    Object.entries(rules.types).map(([type, { kind, code: reason, sources }]) => {
      const phone = sources.filter((source) => rules.phoneSources.includes(source));
      const names = sources.map((source) => code(source) + (phone.includes(source) ? ' ¹' : '')).join(', ');
      const name = zh(`healthCode.reasons.${reason}.title`);
      return `${code(type)} | ${code(reason)} | ${names} | ${name} | ${both(`healthStandard.kind.${kind}`, paramsOf(rules))}`;
    }),
  );
}

function sources(rules: RuleSet): string {
  return table(
    '| source | | 来源 | row types | late after |',
    Object.entries(healthSettings.sources).map(([name, { staleAfterHours }]) => {
      const types = [...sourceKind(name, [rules]).types.keys()].map(code).join(', ');
      return `${code(name)} | ${both(`healthCode.source.${name}`)} | ${types || '–'} | ${staleAfterHours} h`;
    }),
  );
}

const ruleSet = (rules: RuleSet): string => `
## Rule set ${rules.version}

Needs two signatures to come into force. Meant for the time from ${formatInstant(rules.validFrom)}${
  rules.validTo === null ? '' : ` to ${formatInstant(rules.validTo)}`
}. Purpose of every row: ${code(rules.purpose)}. Fever: ${rules.temperature.fever} °C or more; possible
are ${rules.temperature.lowest}–${rules.temperature.highest} °C. Weak sources, which never give red and lapse when nobody decides on an
appeal within ${rules.weak.appealHours} hours: ${rules.weak.sources.map(code).join(', ')}. Orders: at most ${rules.overrides.longestDays} days, two different
approvers of an organisation of type ${rules.overrides.orgTypes.map(code).join(', ')}; more than ${rules.overrides.alarmAbove} people in one raise an alarm.

### Precedence

The first row that matches decides; its codes come ascending.

${precedence(rules)}
A day is healthy when there is a check-in of that very day with a temperature below ${rules.temperature.fever} °C and no symptoms, and
nothing unhealthy was said that day. A check-in without a temperature does not count; a day on which the platform
could not take check-ins neither breaks a run nor counts in it. An unhealthy check-in is ${code(rules.unhealthyCheckin)}.

### Evidence

${evidence(rules)}
¹ ${en('healthStandard.carrierOnly')}. ${zh('healthStandard.carrierOnly')}。

### Sources

What [ingestion](ingestion.md) takes from each. ${[...new Set(Object.values(collectionSettings.movements))].map(code).join(', ')} are movements and
colour nobody by themselves; ${code('RELEASE')} proves that a red is over. Besides these, the platform itself asserts: the
citizen's \`declaration\` and \`checkin\`, and \`engine\` where a declared trip was not confirmed.

${sources(rules)}
### Reasons

${table(
  '| code | colour | meaning | 含义 |',
  reasonsOf(rules).map(
    (reason) => `${code(reason)} | ${colourOf(reason) && code(colourOf(reason))} | ${reasonText(reason)}`,
  ),
)}
### Trace

Why something did not count, and what was reckoned with. Not shown to venues, not in any claim.

${table(
  '| code | meaning | 含义 |',
  traceCodes().map((name) => `${code(name)} | ${both(`healthStandard.trace.${name}`, paramsOf(rules))}`),
)}`;

/** The operations of GB/T 38963, and where they are here. */
export const OPERATIONS: readonly [en: string, zh: string, paths: readonly string[]][] = [
  ['declare health', '健康信息申报', ['/health/declare', '/health/checkin']],
  ['declare travel', '行程申报', ['/health/travel']],
  ['query', '健康信息查询', ['/health/code', '/oauth/userinfo']],
  ['request a code', '健康码调用申请', ['/health/code']],
  ['make a code', '制码', ['/health/code/online', '/health/code/attestation', '/health/paper']],
  ['verify a code', '验码', ['/health/verify']],
  ['correct', '纠错', ['/health/appeals']],
];

/** Data elements of GB/T 38962, the code list that it takes, and what they are called here. */
const ELEMENTS: readonly [element: string, zh: string, list: string, here: string][] = [
  ['name', '姓名', '', 'claim `name`; in codes masked, `name`'],
  ['sex', '性别', 'GB/T 2261.1', 'claim `gender`, read from a resident ID; not kept'],
  ['nationality', '国籍', 'GB/T 2659', 'not asked'],
  ['document type', '证件类型', '', '`document_type`, in rows `documentType`, in files `idt`'],
  ['document number', '证件号码', 'GB 11643', '`id_number`, in rows `idNumber`; in files only as `pid`'],
  ['region', '行政区划', 'GB/T 2260', '`region`, six digits; the province that gives the code, not the home'],
  ['address', '住址', '', '`address` of a declaration, encrypted'],
  ['phone', '联系电话', '', 'claim `phone_number` (E.164)'],
  ['temperature', '体温', '', '`temperature` of a check-in, `temp` of a row; °C'],
  ['symptoms', '症状', 'WS 363.6', '`symptom_…`; the names are ours, below'],
];

/** The text of `docs/standard/codes.md`. */
export const codesPage = (): string => `# Colours, evidence, reasons

Version: \`health-codes-1\`. Made by \`docs/publish.ts\` from \`config/health-code/rules-*.json\`, \`config/health-code/\`
and the words of the pages in \`config/texts/\`; a test keeps it equal to them. Implemented in
\`src/health-code/engine/\`.

A colour is a pure function of what is known at an instant and a rule set. Civil days are those of UTC+8. What is
dated later is not known yet.

## Colours

${table(
  '| colour | | | 颜色 | |',
  ['GREEN', 'YELLOW', 'RED', 'GREY'].map(
    (name) =>
      `${code(name)} | ${en(`healthCode.colour.${name}.name`)} | ${en(`healthCode.colour.${name}.meaning`)} | ${zh(`healthCode.colour.${name}.name`)} | ${zh(`healthCode.colour.${name}.meaning`)}`,
  ),
)}
A reason begins with the letter of its colour (\`R Y G\`), with \`U\` for grey, or with \`D\` for what changes no colour.
Codes are permanent: a rule set may add some and stop using some, and never gives one another meaning.

## Operations

Those of GB/T 38963—2020. The interfaces are OpenID Connect and HTTP, not the ones of its annexes.

${table(
  '| operation | 操作 | here |',
  OPERATIONS.map(([name, chinese, paths]) => `${name} | ${chinese} | ${paths.map(code).join(', ')}`),
)}
## Data elements

Those of GB/T 38962—2020 that are used, and what they are called here.

${table(
  '| element | 数据元 | list | here |',
  ELEMENTS.map((row) => row.join(' | ')),
)}
Symptoms: ${healthSettings.symptoms
  .map((name) => `${code(name)} ${zh(`healthCode.symptom.${name}`)}`)
  .join(', ')}.
${[...ruleSets].reverse().map(ruleSet).join('')}`;
