import test from 'ava';
import { addRow, emptyChunk } from '../../../src/health-code/collection/chunk.ts';
import { readRow } from '../../../src/health-code/collection/row.ts';
import { sourceKind } from '../../../src/health-code/collection/sources.ts';
import { loadChunk } from '../../../src/health-code/collection/store.ts';
import { ruleSets } from '../../../src/health-code/engine/rule-set.ts';
import { cipher, NOW } from '../../support/citizens.ts';
import { freshDatabase } from '../../support/database.ts';
import { rowOf } from '../../support/health-sources.ts';

/** The nodes of a plan, as `auto_explain` would show them. */
interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  Plans?: Plan[];
}
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

test('a batch of any size looks its rows up and reads no table from end to end', async (t) => {
  const db = await freshDatabase(t);
  await db.query(
    `insert into health_evidence (subject, id, type, source, reference, at, purpose, received_at)
     select sha256(n::text::bytea), gen_random_uuid(), 'FEVER_CLINIC', 'hospital', n::text, $1, 'x', $1
     from generate_series(1, 3000) n`,
    [NOW],
  );
  await db.query(
    `insert into health_people (citizen_id, subject, declared_at, level_ever)
     select gen_random_uuid(), subject, at, 'basic' from health_evidence`,
  );
  await db.query('analyze');
  const rules = ruleSets.at(-1)!;
  const source = sourceKind('hospital', [rules]);
  const chunkOf = (size: number) => {
    const chunk = emptyChunk();
    for (let n = 0; n < size; n += 1) {
      const text = JSON.stringify(rowOf(n % 999, { reference: `${n}` }));
      const row = readRow(text, n, { source, rules, cipher, now: NOW.getTime(), extraProvinces: ['39'] });
      if (!('reason' in row)) addRow(chunk, row);
    }
    return chunk;
  };
  for (const size of [1, 2_000]) {
    const scanned = await db.transaction(async (tx, copyIn) => {
      const seen: Plan[] = [];
      const looking = {
        async query<Row>(text: string, values?: readonly unknown[]) {
          if (/^\s*(with|select s\.line)/.test(text)) {
            const [row] = await tx.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(
              `explain (format json) ${text}`,
              values,
            );
            seen.push(...nodes(row!['QUERY PLAN'][0]!.Plan));
          }
          return tx.query<Row>(text, values);
        },
      };
      const feed = { clientId: 'h', source: 'hospital' };
      await loadChunk({ tx: looking, copyIn }, feed, chunkOf(size), NOW);
      await loadChunk({ tx: looking, copyIn }, feed, chunkOf(size), NOW);
      return seen.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']);
    });
    t.deepEqual([...new Set(scanned)], ['health_staging']);
  }
});
