import test from 'ava';
import { lineSplitter } from '../../../src/health-code/collection/lines.ts';
import { readRow } from '../../../src/health-code/collection/row.ts';
import { isSource, sourceKind } from '../../../src/health-code/collection/sources.ts';
import { ruleSets } from '../../../src/health-code/engine/rule-set.ts';
import { healthSettings } from '../../../src/health-code/settings.ts';
import { cipher, NOW, residentIdOf } from '../../support/citizens.ts';
import { rowOf } from '../../support/health-sources.ts';

const rules = ruleSets.at(-1)!;
const read = (row: unknown, source = 'hospital') =>
  readRow(typeof row === 'string' ? row : JSON.stringify(row), 1, {
    source: sourceKind(source, [rules]),
    rules,
    cipher,
    now: NOW.getTime(),
    extraProvinces: ['39'],
  });

test('a good row is read, and the number of the document is not in it', (t) => {
  const row = read(rowOf(1, { version: 3 }));
  t.like(row, {
    target: 'evidence',
    type: 'FEVER_CLINIC',
    reference: 'r-1',
    version: 3,
    at: Date.parse('2026-11-23T01:00:00Z'),
    late: false,
    subject: cipher.blindIndex('id_number', residentIdOf(1)).toString('hex'),
  });
  t.false(JSON.stringify(row).includes(residentIdOf(1)));
});

const bad: [string, unknown, string, string?, string?][] = [
  ['no JSON', '{"reference":', 'not_json'],
  ['a list', '[]', 'not_object'],
  ['nothing', 'null', 'not_object'],
  ['a field that nobody asked for', rowOf(1, { name: '示例' }), 'field_not_allowed', 'name'],
  ['a field named like a part of the language', '{"__proto__": {}}', 'field_not_allowed', '__proto__'],
  ['no reference', rowOf(1, { reference: undefined }), 'missing', 'reference'],
  ['a reference with a tab', rowOf(1, { reference: 'a\tb' }), 'malformed', 'reference'],
  ['a reference with a backslash', rowOf(1, { reference: 'a\\N' }), 'malformed', 'reference'],
  ['a reference with nothing', rowOf(1, { reference: 'a\u0000' }), 'malformed', 'reference'],
  ['a reference that is a number', rowOf(1, { reference: 7 }), 'malformed', 'reference'],
  ['no document number', rowOf(1, { idNumber: '' }), 'missing', 'idNumber'],
  ['a wrong check digit', rowOf(1, { idNumber: '390100199001020011' }), 'id_number', 'idNumber'],
  ['a list for a number', rowOf(1, { idNumber: ['1'] }), 'id_number', 'idNumber'],
  ['an unknown document', rowOf(1, { documentType: 'library_card' }), 'malformed', 'documentType'],
  ['an unknown type', rowOf(1, { type: 'HEADACHE' }), 'type_unknown', 'type'],
  ['a type of the language', rowOf(1, { type: 'constructor' }), 'malformed', 'type'],
  ['the type of another source', rowOf(1, { type: 'CLOSE_CONTACT' }), 'type_not_of_source', 'type'],
  ['no purpose', rowOf(1, { purpose: undefined }), 'purpose', 'purpose'],
  ['another purpose', rowOf(1, { purpose: 'social_stability' }), 'purpose', 'purpose'],
  ['no time', rowOf(1, { at: undefined }), 'missing', 'at'],
  ['an impossible date', rowOf(1, { at: '2026-02-30T08:00:00+08:00' }), 'date_impossible', 'at'],
  ['a time without its offset', rowOf(1, { at: '2026-11-23T08:00:00' }), 'date_impossible', 'at'],
  ['a time that is a number', rowOf(1, { at: 1_700_000_000 }), 'date_impossible', 'at'],
  ['a time in the future', rowOf(1, { at: '2026-11-24T08:00:00+08:00' }), 'in_future', 'at'],
  ['a time in the year 0', rowOf(1, { at: '0000-01-01T08:00:00+08:00' }), 'date_impossible', 'at'],
  [
    'a revocation in the year 0',
    rowOf(1, { revokedAt: '0001-01-01T00:00:00+08:00' }),
    'date_impossible',
    'revokedAt',
  ],
  [
    'a peer’s revocation in the year 0',
    rowOf(1, { type: 'PEER_RED', supersededBy: '0000-12-31T00:00:00Z' }),
    'date_impossible',
    'supersededBy',
    'peer',
  ],
  ['a version of nothing', rowOf(1, { version: 0 }), 'malformed', 'version'],
  ['a version in words', rowOf(1, { version: '2' }), 'malformed', 'version'],
  [
    'a discharge of no case',
    rowOf(1, { dischargedAt: '2026-11-23T09:00:00+08:00' }),
    'field_not_allowed',
    'dischargedAt',
  ],
  [
    'a discharge before the case',
    rowOf(1, { type: 'CASE_CONFIRMED', dischargedAt: '2026-11-22T09:00:00+08:00' }),
    'before_at',
    'dischargedAt',
  ],
  ['a revocation tomorrow', rowOf(1, { revokedAt: '2026-11-24T09:00:00+08:00' }), 'in_future', 'revokedAt'],
  [
    'somebody’s phone from a hospital',
    rowOf(1, { phoneOwnerVerified: true }),
    'field_not_allowed',
    'phoneOwnerVerified',
  ],
  [
    'a phone owner in words',
    rowOf(1, { type: 'TELECOM_PROXIMITY', phoneOwnerVerified: 'yes' }),
    'malformed',
    'phoneOwnerVerified',
    'telecom',
  ],
  [
    'a temperature of 85',
    rowOf(1, { type: 'COMMUNITY_ENTRY', temp: 85 }),
    'temperature',
    'temp',
    'community',
  ],
  [
    'a temperature in words',
    rowOf(1, { type: 'COMMUNITY_ENTRY', temp: '36.5' }),
    'temperature',
    'temp',
    'community',
  ],
  [
    'a temperature from the police',
    rowOf(1, { type: 'POLICE_CHECK', temp: 36.5 }),
    'field_not_allowed',
    'temp',
    'police',
  ],
  ['a place with spaces', rowOf(1, { type: 'VENUE_VISIT', place: 'Hall 1' }), 'malformed', 'place', 'venue'],
];
for (const [what, row, reason, field, source] of bad) {
  test(`a row with ${what} is refused for ${reason}`, (t) => {
    t.deepEqual(read(row, source), { reason, field } as never);
  });
}

test('whatever is in a line, reading it ends in a row or a reason', (t) => {
  for (const field of Object.keys(rowOf(1))) {
    for (const value of [null, true, 0, -1, 1e300, '', ' ', '\u0000', 'x'.repeat(5_000), [], {}, [[]]]) {
      const row = read({ ...rowOf(1), [field]: value });
      t.true('reason' in row || 'subject' in row);
    }
  }
});

test('an exposure or a discharge whose clock has run out comes too late; an open case, or a row taken back, does not', (t) => {
  const late = (over: object, source?: string) => {
    const row = read(rowOf(1, over as Record<string, unknown>), source);
    return 'reason' in row ? row.reason : row.late;
  };
  const contact = { type: 'CLOSE_CONTACT' };
  t.false(late({ ...contact, at: '2026-11-10T00:00:00+08:00' }, 'cdc'));
  t.true(late({ ...contact, at: '2026-11-09T23:59:59+08:00' }, 'cdc'));
  t.false(
    late({ ...contact, at: '2026-11-01T00:00:00+08:00', revokedAt: '2026-11-23T00:00:00+08:00' }, 'cdc'),
  );
  t.true(late({ ...contact, at: '2025-01-01T00:00:00+08:00' }, 'cdc'));
  const revokedAt = '2026-11-23T00:00:00+08:00';
  t.false(late({ ...contact, at: '2025-01-01T00:00:00+08:00', revokedAt }, 'cdc'));
  const confirmed = { type: 'CASE_CONFIRMED', at: '2026-08-01T00:00:00+08:00' };
  t.false(late(confirmed));
  t.true(late({ ...confirmed, at: '2026-05-01T00:00:00+08:00' }));
  t.false(late({ ...confirmed, at: '2026-05-01T00:00:00+08:00', dischargedAt: '2026-11-10T00:00:00+08:00' }));
  t.true(late({ ...confirmed, dischargedAt: '2026-11-09T23:59:59+08:00' }));
  t.is(late({ type: 'VENUE_VISIT', at: '2026-11-01T00:00:00+08:00' }, 'venue'), 'too_old');
});

test('every configured source may tell something, and transit, venue, community and police nothing that colours', (t) => {
  for (const name of Object.keys(healthSettings.sources)) {
    t.true(isSource(name));
    const { types } = sourceKind(name, [rules]);
    t.true(types.size > 0, name);
    if (['transit', 'venue', 'community', 'police'].includes(name)) {
      t.deepEqual([...new Set([...types.values()].map(({ target }) => target))], ['movement'], name);
    }
  }
  t.false(isSource('constructor'));
  t.false(isSource('declaration'), 'citizens declare on the page');
  t.false(isSource('engine'));
});

test('lines are cut the same wherever the stream is cut', (t) => {
  const bytes = Buffer.concat([
    Buffer.from('\ufeff{"甲":1}\r\n\n  {"b":2}\n'),
    Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
    Buffer.from(`${'x'.repeat(50)}\nend`),
  ]);
  const expected = [
    { no: 1, text: '{"甲":1}' },
    { no: 3, text: '{"b":2}' },
    { no: 4, fault: 'not_utf8' },
    { no: 5, fault: 'line_too_long' },
    { no: 6, text: 'end' },
  ];
  for (let size = 1; size <= bytes.length; size += 1) {
    const splitter = lineSplitter(40);
    const lines = [];
    for (let from = 0; from < bytes.length; from += size) {
      lines.push(...splitter.push(bytes.subarray(from, from + size)));
    }
    t.deepEqual([...lines, ...splitter.end()] as unknown, expected);
  }
});
