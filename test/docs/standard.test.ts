import test from 'ava';
import { OPERATIONS, reasonsOf, traceCodes } from '../../docs/codes-page.ts';
import { collectionSettings } from '../../src/health-code/collection/settings.ts';
import { ruleSets } from '../../src/health-code/engine/rule-set.ts';
import { encodeBase45 } from '../../src/health-code/wire/base45.js';
import { importPoint } from '../../src/health-code/wire/cose.js';
import { fromBase64Url } from '../../src/health-code/wire/jws.js';
import { readOfflineCode } from '../../src/health-code/wire/offline-code.js';
import { isRevoked, LIST_SIZE } from '../../src/health-code/wire/status-list.js';
import { verifyOfflineCode } from '../../src/health-code/wire/verify.js';
import { startSources } from '../support/health-sources.ts';
import { filesOf, textOf } from '../support/sources.ts';
import { blocksOf, firstCells } from './page.ts';

const qr = textOf('docs/standard/qr.md');
const ingestion = textOf('docs/standard/ingestion.md');
const wordsOf = (page: string) =>
  new Set([...page.matchAll(/`([^`\n]+)`/g)].flatMap((match) => match[1]!.split(/[\s,()]+/)));
const textsOf = (file: string) => JSON.parse(textOf(`config/texts/en/${file}.json`));

test('every reason of a rule set has its words, and no word is of a reason that none gives', (t) => {
  const given = new Set(ruleSets.flatMap(reasonsOf));
  t.deepEqual(Object.keys(textsOf('health-code').reasons).sort(), [...given].sort());
});

test('the published trace has the codes of the engine', (t) => {
  const engine = filesOf('src/health-code/engine').map(textOf).join('\n');
  const found = [
    ...engine.matchAll(/'(D9\d\d)'/g),
    ...engine.matchAll(/trace\.push\(\{ code: '([a-z]+)'/g),
  ].map((match) => match[1]!);
  t.deepEqual(traceCodes().sort(), [...new Set(found)].sort());
});

test('the operations are at addresses of the contract', (t) => {
  const words = wordsOf(textOf('docs/contract.md'));
  for (const [, , paths] of OPERATIONS) for (const path of paths) t.true(words.has(path), path);
});

const [, trustBlock, vectorBlock] = blocksOf(qr, 'json').map(({ code }) => JSON.parse(code));

async function publishedDoor() {
  const { region, keys } = trustBlock as { region: string; keys: { kid: string; x: string; y: string }[] };
  const imported = await Promise.all(
    keys.map(async ({ kid, x, y }) => {
      const key = await importPoint({ x: fromBase64Url(x), y: fromBase64Url(y) });
      return [kid, key!] as const;
    }),
  );
  const seen = new Set<string>();
  const list = { list: 0, at: 0, bytes: new Uint8Array(LIST_SIZE / 8) };
  return {
    keys: new Map(imported),
    region,
    revoked: (status: number) => isRevoked([list], status),
    revokedAge: 60,
    first: (digest: string) => !seen.has(digest) && seen.add(digest).size > 0,
  };
}

for (const [index, vector] of (
  vectorBlock as { code: string; now: number; nonce?: string; verdict: string }[]
).entries()) {
  const { code, now, nonce, verdict } = vector;
  test(`published code ${index + 1} is ${verdict}`, async (t) => {
    const door = await publishedDoor();
    const checked = await verifyOfflineCode(code, { ...door, now, nonce });
    t.is(checked.verdict, verdict as typeof checked.verdict);
    if (verdict === 'unknown') return;
    t.like(checked.holder, { name: '张**', lastTwo: '4X', colour: 'GREEN', region: '390000', status: 5 });
    if (verdict !== 'valid') return;
    t.is((await verifyOfflineCode(code, { ...door, now, nonce })).verdict, 'shown_before');
  });
}

test('the published structure is that of the published code', (t) => {
  const { code } = vectorBlock[0];
  const { province } = readOfflineCode(code)!;
  t.is(province.sign1.signature.length, 64);
  t.is(province.kid.length, 8);
  t.is(code.charCodeAt(4), 'R'.charCodeAt(0), 'D2 84: tag 18, an array of four');
});

test('the published online code and the example of RFC 9285 are Base45 of what is said', (t) => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  t.true(qr.includes(`\`HK1:${encodeBase45(bytes)}\``));
  t.is(encodeBase45(new TextEncoder().encode('AB')), 'BB8');
});

/** What only the page says, when nobody gave a verdict. */
const NO_VERDICT = ['needs_network', 'off', 'too_many'];

test('every verdict that a door can give is published', (t) => {
  const words = wordsOf(qr);
  const verdicts = Object.keys(textsOf('health-door').verdict).filter((name) => !NO_VERDICT.includes(name));
  t.deepEqual(
    verdicts.filter((name) => !words.has(name)),
    [],
  );
});

test('the page for sources has every field, limit and reason', (t) => {
  const words = wordsOf(ingestion);
  const [, fields = ''] = /FIELDS = new Set\(\[([^\]]*)\]/.exec(textOf('src/health-code/collection/row.ts'))!;
  const known = [...fields.matchAll(/'(\w+)'/g)].map((match) => match[1]!);
  t.deepEqual(
    firstCells(ingestion, '## Rows')
      .map((cell) => cell.replaceAll('`', ''))
      .sort(),
    known.sort(),
  );
  const { reasons, problems } = textsOf('health-collection');
  t.deepEqual(
    [...Object.keys(reasons), ...Object.keys(problems)].filter((name) => !words.has(name)),
    [],
  );
  const { lineBytes, mostRows, mostRefused, aheadSeconds, chunkRows, keepDays } = collectionSettings;
  for (const limit of [lineBytes, mostRows, mostRefused, aheadSeconds]) {
    t.true(ingestion.includes(`| ${limit} |`), String(limit));
  }
  t.true(
    ingestion.includes(`From ${chunkRows} rows on`) &&
      ingestion.includes(`kept for ${keepDays.batches} days`),
  );
});

test('the example for sources is answered as the page says, and the second time as repeated', async (t) => {
  const [rows = '', answer = ''] = blocksOf(ingestion, 'json').map(({ code }) => code);
  const site = await startSources(t);
  const headers = { 'accept-language': 'en', 'idempotency-key': '2026-11-23' };
  const first = await site.send('hospital', rows, { headers, gzip: true });
  t.deepEqual(
    first.lines,
    answer.split('\n').map((line) => JSON.parse(line)),
  );
  const second = await site.send('hospital', rows, { headers, gzip: true });
  t.deepEqual(second.last, { ...first.last, repeated: true });
});
