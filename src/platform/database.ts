import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { ConnectionLost, openPipeline, type Statement } from './pipeline.ts';

/** Anything that runs SQL: the pool, or one connection inside a transaction. */
export interface Queryable {
  /** Runs one prepared statement (`$1`-style parameters) and returns its rows. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * Streams text into `COPY … FROM STDIN`, inside the transaction, no faster than the server takes it.
 *
 * @param statement a constant of the program.
 * @param text what COPY's text format wants: tabs between columns, `\\N` for null, one line a row.
 */
export type CopyIn = (statement: string, text: Iterable<string> | AsyncIterable<string>) => Promise<void>;

export interface Database extends Queryable {
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<T>(work: (tx: Queryable, copyIn: CopyIn) => Promise<T>): Promise<T>;
  /** The pool beneath, for libraries that want one (job queue, rate limiter). */
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

const INT8 = 20;
/** `bigint` arrives as a string by default, and `'10' + 1` once locked people out elsewhere. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a number`);
  return value;
}

const names = new Map<string, string>();
/** Every statement text is a constant of the program, so preparing each once a connection is bounded. */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('sha1').update(text).digest('base64url');
    names.set(text, name);
  }
  return name;
}

const statement = (text: string, values: readonly unknown[] = []): Statement => ({
  name: statementName(text),
  text,
  values: values as unknown[],
});

const run = async <Row>(on: pg.Pool | pg.PoolClient, text: string, values?: readonly unknown[]) =>
  (await on.query(statement(text, values))).rows as Row[];

/**
 * Begins a write that is answered before it is on disk (`… select $1 from unflushed`): for what may be unknown again
 * after a crash of the database server. Never inside a transaction, all of which it would concern, and only for writes
 * that may be made twice.
 */
export const UNFLUSHED = `with unflushed as (select set_config('synchronous_commit', 'off', true))`;

const isQuick = (text: string): boolean => text.startsWith(UNFLUSHED) || /^\s*select\b/i.test(text);

export interface DatabaseOptions {
  /** Largest number of connections of this process. */
  max?: number;
  /** Called once for every round trip, `begin` and `commit` too; for metrics. */
  onQuery?: (text: string) => void;
  /**
   * Plans each statement once a connection instead of once an execution. For look-ups by key, where planning
   * costs several times the work; wrong for batches over a range of time, whose size decides their plan.
   */
  planOnce?: boolean;
  /** Sends single `select`s and unflushed writes down one connection, without waiting for the answers before them (`pipeline.ts`). */
  pipelined?: boolean;
}

/**
 * Opens a pool on `url`. A `schema` query parameter (`…/db?schema=name`) becomes the search path, which is
 * how test files share one server.
 */
export function openDatabase(
  url: string,
  { max = 10, onQuery, planOnce = false, pipelined = false }: DatabaseOptions = {},
): Database {
  const parsed = new URL(url);
  const schema = parsed.searchParams.get('schema');
  parsed.searchParams.delete('schema');
  const connection: pg.ClientConfig = {
    connectionString: parsed.href,
    options: [
      ...(schema ? [`-c search_path=${schema}`] : []),
      ...(planOnce ? ['-c plan_cache_mode=force_generic_plan'] : []),
    ].join(' '),
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary'
          ? parseInt8
          : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  };
  const pool = new pg.Pool({ ...connection, max });
  const quick = pipelined ? openPipeline(connection) : undefined;
  // An idle connection that the server closed is replaced at the next query; without a listener it would
  // end the process.
  pool.on('error', () => {});
  if (onQuery) {
    // Libraries that were handed the pool are counted as well.
    const query = pool.query;
    pool.query = ((...args: [string | { text: string }]) => {
      onQuery(typeof args[0] === 'string' ? args[0] : args[0].text);
      return Reflect.apply(query, pool, args);
    }) as typeof pool.query;
  }
  return {
    pool,
    async query<Row>(text: string, values?: readonly unknown[]) {
      if (quick === undefined || !isQuick(text)) return run<Row>(pool, text, values);
      onQuery?.(text);
      try {
        return (await quick.query(statement(text, values))).rows as Row[];
      } catch (error) {
        // It changes nothing that a second time would change again.
        if (error instanceof ConnectionLost) return run<Row>(pool, text, values);
        throw error;
      }
    },
    async transaction(work) {
      const connection = await pool.connect();
      let broken: Error | undefined;
      // A connection that dies in the middle says so here too, and unheard it would end the process.
      const lost = (error: Error) => {
        broken = error;
      };
      connection.on('error', lost);
      try {
        onQuery?.('begin');
        await connection.query('begin');
        const tx: Queryable = {
          query(text, values) {
            onQuery?.(text);
            return run(connection, text, values);
          },
        };
        const result = await work(tx, (statement, text) => {
          onQuery?.(statement);
          return pipeline(Readable.from(text), connection.query(copyFrom(statement)));
        });
        onQuery?.('commit');
        await connection.query('commit');
        return result;
      } catch (error) {
        await connection.query('rollback').catch((rollback: Error) => {
          broken = rollback;
        });
        throw error;
      } finally {
        connection.off('error', lost);
        connection.release(broken);
      }
    },
    async close() {
      await Promise.all([pool.end(), quick?.close()]);
    },
  };
}
