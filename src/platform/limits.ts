import { createHash } from 'node:crypto';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { z } from 'zod';
import defaults from '../../config/limits.json' with { type: 'json' };
import type { Database, Queryable } from './database.ts';
import { Problem } from './problem.ts';

const limit = z.strictObject({
  /** How many attempts count as ordinary within the time. */
  points: z.int().positive(),
  seconds: z.int().positive(),
});

export type LimitName = keyof typeof defaults;
export type LimitTable = Readonly<Record<LimitName, Readonly<z.infer<typeof limit>>>>;

export const LIMIT_NAMES = Object.keys(defaults) as LimitName[];

/** The limits of `config/limits.json`, with some replaced. @throws ZodError that names the limit. */
export function readLimits(overrides: Partial<LimitTable> = {}): LimitTable {
  return z
    .record(z.enum(LIMIT_NAMES as [LimitName, ...LimitName[]]), limit)
    .parse({ ...defaults, ...overrides });
}

const current: Record<string, unknown> = readLimits();

/** The limits that this process goes by. */
export const limitsInUse = current as LimitTable;

/** Makes the whole process go by other limits. `app.ts` calls it once, with what the environment says. */
export function useLimits(others: LimitTable): void {
  Object.assign(current, others);
}

export interface Limits {
  /**
   * Counts one attempt, at once and in a transaction of its own, so that a failed request counts too.
   *
   * @param key who attempts: take an address or an address with an account, never an account alone, or anybody
   * could keep somebody else out. Stored as a hash.
   * @throws Problem `too_many_attempts` (429) with `minutes` until the next attempt counts as ordinary.
   */
  consume(name: LimitName, key: string): Promise<void>;
  /**
   * Takes one attempt back that turned out right. Where thousands share one address (a carrier's, an office's),
   * their ordinary logins must not use up what is meant for guesses.
   */
  refund(name: LimitName, key: string): Promise<void>;
}

const TABLE = 'rate_limits';
const hashed = (key: string): string => createHash('sha256').update(key).digest('base64url');

/** Limits shared by all processes on one database. */
export function createLimits(db: Database, table: LimitTable = readLimits()): Limits {
  const limiters = new Map(
    LIMIT_NAMES.map((name) => {
      const { points, seconds } = table[name];
      const limiter = new RateLimiterPostgres({
        storeClient: db.pool,
        storeType: 'pool',
        tableName: TABLE,
        tableCreated: true,
        clearExpiredByTimeout: false,
        keyPrefix: name,
        points,
        duration: seconds,
      });
      return [name, limiter];
    }),
  );
  const limiterOf = (name: LimitName) => {
    const limiter = limiters.get(name);
    if (!limiter) throw new RangeError(`config/limits.json has no limit "${name}"`);
    return limiter;
  };
  return {
    async consume(name, key) {
      const limiter = limiterOf(name);
      try {
        await limiter.consume(hashed(key));
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        const minutes = Math.max(1, Math.ceil(refusal.msBeforeNext / 60_000));
        throw new Problem('too_many_attempts', 429, { minutes });
      }
    },
    async refund(name, key) {
      await limiterOf(name).reward(hashed(key), 1);
    },
  };
}

/** Deletes counters whose time is over, a batch at a time. @returns how many; call again while it is `batch`. */
export async function purgeLimits(db: Queryable, now: Date, batch = 1_000): Promise<number> {
  const rows = await db.query(
    `delete from rate_limits where key in
       (select key from rate_limits where expire < $1 order by expire limit $2 for update skip locked)
     returning 1`,
    [now.getTime(), batch],
  );
  return rows.length;
}
