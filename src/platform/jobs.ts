import { type Db, type Job, PgBoss } from 'pg-boss';
import type { Database, Queryable } from './database.ts';
import { newId } from './id.ts';

export type Payload = Record<string, unknown>;

export interface JobOptions {
  /** How often a failed job is tried again; then it stays failed, to be looked at. Default 5. */
  retryLimit?: number;
  /** Seconds before a failed job is tried again. Default 10. */
  retryDelay?: number;
  /** Whether each wait is about twice the one before. Default true. */
  retryBackoff?: boolean;
  /** Seconds that a wait never exceeds, however often the job has failed. */
  retryDelayMax?: number;
  /** Runs by itself so often, once among all processes, never two at a time; without a payload. */
  everySeconds?: number;
  /** How many run at once in this process. Default 10. */
  atOnce?: number;
  /** How many of one group run at once in all processes, so that a slow one holds up no other. Default any number. */
  atOncePerGroup?: number;
  /** Seconds after which a job that a killed process left behind is tried again. Default 300. */
  expireInSeconds?: number;
}

export interface EnqueueOptions {
  /** By the machine's clock: what depends on the product's own clock belongs in a row that a job looks at. */
  startAfterSeconds?: number;
  /** While a job with this key waits, another one is not added. */
  singletonKey?: string;
  /** What `atOncePerGroup` counts by. */
  group?: string;
}

export interface Jobs {
  /**
   * Names what is to be done for jobs of that name. It may run more than once for one job, so it must not
   * matter when it does. Call before `start`.
   */
  define(name: string, handler: Handler, options?: JobOptions): Promise<void>;
  /** Adds a job in the caller's transaction: it exists when and only when that commits. Define it first. */
  enqueue(tx: Queryable, name: string, payload?: Payload, options?: EnqueueOptions): Promise<void>;
  /**
   * Runs what waits under that name (a periodic job at least once) and returns when all is done; also what
   * would only be due later. For tests.
   *
   * @throws the first error of a handler.
   */
  runNow(name: string): Promise<void>;
  /** Begins to run jobs in this process. A process that only enqueues never calls it. */
  start(): Promise<void>;
  /** Takes no more jobs, waits for those that run, and ends. */
  stop(): Promise<void>;
}

export interface JobLog {
  error(detail: object, message: string): void;
}

/** @param attempt `retries`: how often it was tried before. */
export type Handler = (payload: Payload, attempt: { retries: number }) => Promise<void>;

interface Defined {
  handler: Handler;
  everySeconds: number | undefined;
  atOnce: number;
  atOncePerGroup: number | undefined;
  inFlight: Set<Promise<unknown>>;
  /** Whether jobs may be left that wait for one of those in flight to end. */
  full?: boolean;
  /** When a periodic job is due next, on `performance.now()`'s clock. */
  dueAt?: number;
  timer?: NodeJS.Timeout;
  looking?: Promise<void>;
  again?: boolean;
}

const POLL_MS = 1_000;
const AT_ONCE = 10;
const PERIODIC = 'periodic';

const asDb = (on: Queryable): Db => ({
  executeSql: async (text, values) => ({ rows: await on.query(text, values) }),
});

/**
 * The job queue: pg-boss on our own pool, in a schema beside ours. pg-boss keeps, retries and expires the
 * jobs; the turns are ours, so that `runNow` takes the very path that production takes.
 *
 * @param connectionString as for `openDatabase`; only its `schema` is read.
 */
export async function openJobs(options: {
  connectionString: string;
  db: Database;
  log: JobLog;
}): Promise<Jobs> {
  const { db, log } = options;
  const schema = `${new URL(options.connectionString).searchParams.get('schema') ?? 'ymt'}_jobs`;
  const boss = new PgBoss({
    // Its own statements are many and some hold several commands, so they are not prepared.
    db: { executeSql: (text, values) => db.pool.query(text, values as unknown[]) },
    schema,
    schedule: false,
    supervise: true,
    superviseIntervalSeconds: 15,
    monitorIntervalSeconds: 15,
  });
  boss.on('error', (error) => log.error({ err: error }, 'job queue'));
  await boss.start();

  const defined = new Map<string, Defined>();
  const find = (name: string): Defined => {
    const found = defined.get(name);
    if (!found) throw new RangeError(`no job is defined under the name "${name}"`);
    return found;
  };

  async function runOne(name: string, job: Job<Payload>, handler: Defined['handler']): Promise<unknown> {
    const attempt = { id: job.id, retryCount: job.retryCount };
    try {
      await handler(job.data ?? {}, { retries: job.retryCount });
      await boss.complete(name, attempt);
      return undefined;
    } catch (error) {
      log.error({ err: error, job: name, jobId: job.id }, 'job failed');
      await boss.fail(name, attempt, { name: error instanceof Error ? error.name : 'Error' });
      return error;
    }
  }

  /** Begins a job without waiting for it. Its end makes room for another. */
  function begin(name: string, entry: Defined, job: Job<Payload>): void {
    const run = runOne(name, job, entry.handler)
      .catch((error) => log.error({ err: error, job: name }, 'job queue'))
      .finally(() => {
        entry.inFlight.delete(run);
        if (entry.full) work(name);
      });
    entry.inFlight.add(run);
  }

  const ended = async ({ looking, inFlight }: Defined): Promise<void> => {
    await looking;
    await Promise.all(inFlight);
  };

  let stopping = false;
  let started = false;

  /** Takes what waits, as far as there is room. With groups, fewer than asked for does not mean that no more wait. */
  async function look(name: string, entry: Defined): Promise<void> {
    const { atOnce, atOncePerGroup: perGroup, everySeconds, inFlight } = entry;
    for (;;) {
      const room = atOnce - inFlight.size;
      entry.full = room <= 0 || perGroup !== undefined;
      if (room <= 0 || stopping) return;
      if (performance.now() < (entry.dueAt ?? 0)) return;
      // Of all processes only the first in a time slot adds it.
      if (everySeconds) await boss.send(name, {}, { singletonKey: PERIODIC, singletonSeconds: everySeconds });
      const jobs = await boss.fetch<Payload>(name, {
        batchSize: room,
        ...(perGroup !== undefined && { groupConcurrency: perGroup }),
      });
      if (everySeconds) entry.dueAt = performance.now() + everySeconds * 1_000;
      for (const job of jobs) begin(name, entry, job);
      if (jobs.length === 0 || (perGroup === undefined && jobs.length < room)) return;
    }
  }

  /** A periodic job waits for nothing but its time, as long as all went well; the others are looked for every second. */
  const untilNextLook = ({ dueAt = 0 }: Defined): number => {
    const wait = dueAt - performance.now();
    return wait > 0 ? wait : POLL_MS;
  };

  /** One look at a time for each name; a call during one leads to one more after it. */
  function work(name: string): void {
    const entry = find(name);
    if (stopping || !started) return;
    if (entry.looking) {
      entry.again = true;
      return;
    }
    clearTimeout(entry.timer);
    entry.looking = look(name, entry)
      .catch((error) => log.error({ err: error, job: name }, 'job queue'))
      .finally(() => {
        entry.looking = undefined;
        const soon = entry.again;
        entry.again = false;
        if (stopping) return;
        entry.timer = setTimeout(() => work(name), soon ? 0 : untilNextLook(entry)).unref();
      });
  }

  return {
    async define(name, handler, options = {}) {
      const { retryLimit = 5, retryDelay = 10, retryBackoff = true, retryDelayMax, everySeconds } = options;
      const { expireInSeconds = 300, atOncePerGroup } = options;
      // A periodic job never runs twice at a time, however long it takes.
      const atOnce = everySeconds ? 1 : (options.atOnce ?? AT_ONCE);
      const settings = {
        ...(retryDelayMax !== undefined && { retryDelayMax }),
        retryLimit: everySeconds ? 0 : retryLimit,
        retryDelay,
        retryBackoff,
        // A killed process leaves its job active so long; a periodic one is held up by that.
        expireInSeconds: everySeconds ? Math.max(60, everySeconds) : expireInSeconds,
        deleteAfterSeconds: everySeconds ? 3_600 : 86_400,
      };
      await boss.createQueue(name, { ...settings, policy: everySeconds ? 'exclusive' : 'short' });
      await boss.updateQueue(name, settings);
      defined.set(name, { handler, everySeconds, atOnce, atOncePerGroup, inFlight: new Set() });
    },
    async enqueue(tx, name, payload = {}, { startAfterSeconds, singletonKey, group } = {}) {
      await boss.send(name, payload, {
        db: asDb(tx),
        ...(startAfterSeconds !== undefined && { startAfter: startAfterSeconds }),
        ...(group !== undefined && { group: { id: group } }),
        singletonKey: singletonKey ?? (find(name).everySeconds ? PERIODIC : newId()),
      });
    },
    async runNow(name) {
      const entry = find(name);
      const { everySeconds, handler } = entry;
      await ended(entry);
      if (everySeconds) await boss.send(name, {}, { singletonKey: PERIODIC });
      // All are claimed before any is run: one that fails must not be taken up again in the same call.
      const claimed: Job<Payload>[] = [];
      for (;;) {
        const jobs = await boss.fetch<Payload>(name, { batchSize: 100, ignoreStartAfter: true });
        if (jobs.length === 0) break;
        claimed.push(...jobs);
      }
      const results = await Promise.all(claimed.map((job) => runOne(name, job, handler)));
      const error = results.find((result) => result !== undefined);
      if (error !== undefined) throw error;
    },
    async start() {
      started = true;
      for (const name of defined.keys()) work(name);
    },
    async stop() {
      stopping = true;
      for (const { timer } of defined.values()) clearTimeout(timer);
      await Promise.all([...defined.values()].map(ended));
      await boss.stop({ graceful: true, close: false });
    },
  };
}
