import type { Database, Queryable } from '../../src/platform/database.ts';

export interface Statement {
  text: string;
  values: readonly unknown[];
}

/** Passes everything on to `db` and keeps what was sent, each text once. */
export function recordStatements(db: Queryable): Queryable & { statements: Statement[] } {
  const statements: Statement[] = [];
  return {
    statements,
    query(text, values = []) {
      if (!statements.some((known) => known.text === text)) statements.push({ text, values });
      return db.query(text, values);
    },
  };
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

function* nodes(plan: PlanNode): Generator<PlanNode> {
  yield plan;
  for (const child of plan.Plans ?? []) yield* nodes(child);
}

/**
 * Which tables the statements would read from end to end for want of an index: `table: statement` each. Sequential
 * scans are made dear, so one that is left has nothing else to use; so is a whole index read without a condition
 * unless a `limit` cuts it short.
 *
 * @param filled names of tables with so many rows that the planner, left alone, reads them end to end only for
 *   want of an index: scans are not made dear, and only these tables are looked at
 */
export async function unindexedScans(
  db: Database,
  statements: readonly Statement[],
  { filled }: { filled?: readonly string[] } = {},
): Promise<string[]> {
  const found: string[] = [];
  for (const { text, values } of statements) {
    if (!/^\s*(select|insert|update|delete|with)\b/i.test(text)) continue;
    await db.transaction(async (tx) => {
      if (filled === undefined) await tx.query('set local enable_seqscan = off');
      const [row] = await tx.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
        `explain (format json) ${text}`,
        values,
      );
      for (const node of nodes(row!['QUERY PLAN'][0]!.Plan)) {
        if (filled && !filled.includes(node['Relation Name'] ?? '')) continue;
        const whole =
          node['Node Type'] === 'Seq Scan' ||
          (/Index.* Scan$/.test(node['Node Type']) &&
            node['Index Cond'] === undefined &&
            !/\blimit\b/i.test(text));
        if (whole) found.push(`${node['Relation Name'] ?? node['Index Name']}: ${text}`);
      }
    });
  }
  return found;
}
