import type { StayCarrier } from '../authorities/carrier.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import type { Translate } from '../platform/i18n.ts';
import { liveActivation } from './activation.ts';
import { forgetFeeds } from './collection/feeds.ts';
import { runTransitions } from './decide.ts';
import { type ExchangeWork, makeDailyFile, pullAll, refreshPids } from './exchange/exchange.ts';
import { sendNotices } from './notices/send.ts';
import { noticeDaysOff } from './outages/store.ts';
import { stepRuns } from './runs.ts';
import { tendHealthKeys } from './show/keys.ts';
import { askAboutTrips } from './travel/ask-carrier.ts';

export interface HealthJobsDeps {
  db: Database;
  cipher: Cipher;
  clock: Clock;
  stayCarrier: StayCarrier;
  exchange: ExchangeWork;
  /** Whether a program is registered as a kind of source. */
  maySend(clientId: string, source: string): Promise<boolean>;
  translator(locale: 'zh-CN' | 'en'): Translate;
  /** The platform's public origin. */
  origin: string;
}

/** Something that the health code does without anybody asking. */
export interface HealthJob {
  name: `health-${string}`;
  everySeconds: number;
  run(): Promise<void>;
}

/** One batch of some work. @returns how much was done; it is called again while that is not 0. */
type Batch = (now: Date) => Promise<number>;

const once =
  (work: (now: Date) => Promise<void>): Batch =>
  async (now) => {
    await work(now);
    return 0;
  };

/**
 * All that the health code does by itself. None of it happens while the module is off, nor goes on after it was
 * switched off: whether it is on is asked here, before each batch, and not left to the work. What was left waits.
 * Deletion is none of this: it happens in any case.
 */
export function healthJobs(deps: HealthJobsDeps): HealthJob[] {
  const { db, cipher, clock, exchange } = deps;
  const job = (everySeconds: number, name: HealthJob['name'], batch: Batch): HealthJob => ({
    name,
    everySeconds,
    async run() {
      while ((await liveActivation(db, clock())) && (await batch(clock())) > 0);
    },
  });
  const notices = { cipher, t: deps.translator('zh-CN'), origin: deps.origin };
  return [
    job(15, 'health-transitions', (now) => runTransitions(db, { now })),
    job(5, 'health-notices', (now) => sendNotices(db, notices, { now })),
    job(60, 'health-outages', (now) => noticeDaysOff(db, now)),
    job(15, 'health-travel', (now) => askAboutTrips(deps, { now })),
    job(5, 'health-runs', async (now) => (await stepRuns(db, { now })) ?? 0),
    job(
      3600,
      'health-keys',
      once((now) => tendHealthKeys(db, cipher, now)),
    ),
    job(
      60,
      'health-feeds',
      once(() => forgetFeeds(db, deps.maySend)),
    ),
    job(
      5,
      'health-pids',
      once(() => refreshPids(exchange)),
    ),
    job(
      15,
      'health-file',
      once(() => makeDailyFile(exchange)),
    ),
    job(
      60,
      'health-exchange',
      once(() => pullAll(exchange)),
    ),
  ];
}
