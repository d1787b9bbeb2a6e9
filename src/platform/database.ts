import { createHash } from 'node:crypto';
import pg from 'pg';

/** Anything that runs SQL: the pool, or one connection inside a transaction. */
export interface Queryable {
  /** Runs one prepared statement (`$1`-style parameters) and returns its rows. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
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

const run = async <Row>(on: pg.Pool | pg.PoolClient, text: string, values: readonly unknown[] = []) => {
  const result = await on.query({ name: statementName(text), text, values: values as unknown[] });
  return result.rows as Row[];
};

export interface DatabaseOptions {
  /** Largest number of connections of this process. */
  max?: number;
  /** Called once for every statement sent; for metrics and for counting round trips. */
  onQuery?: (text: string) => void;
}

/**
 * Opens a pool on `url`. A `schema` query parameter (`…/db?schema=name`) becomes the search path, which is
 * how test files share one server.
 */
export function openDatabase(url: string, { max = 10, onQuery }: DatabaseOptions = {}): Database {
  const parsed = new URL(url);
  const schema = parsed.searchParams.get('schema');
  parsed.searchParams.delete('schema');
  const pool = new pg.Pool({
    connectionString: parsed.href,
    max,
    options: schema ? `-c search_path=${schema}` : undefined,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 && format !== 'binary'
          ? parseInt8
          : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  });
  // An idle connection that the server closed is replaced at the next query; without a listener it would
  // end the process.
  pool.on('error', () => {});
  return {
    pool,
    query(text, values) {
      onQuery?.(text);
      return run(pool, text, values);
    },
    async transaction(work) {
      const connection = await pool.connect();
      let broken: Error | undefined;
      try {
        await connection.query('BEGIN');
        const result = await work({
          query(text, values) {
            onQuery?.(text);
            return run(connection, text, values);
          },
        });
        await connection.query('COMMIT');
        return result;
      } catch (error) {
        await connection.query('ROLLBACK').catch((rollback: Error) => {
          broken = rollback;
        });
        throw error;
      } finally {
        connection.release(broken);
      }
    },
    close: () => pool.end(),
  };
}
