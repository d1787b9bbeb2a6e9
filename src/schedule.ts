import { purgeAccount } from './account/purge.ts';
import { decideLater, type ProofingDeps } from './assurance/proofing/flow.ts';
import { createMethods } from './assurance/proofing/method.ts';
import { purgeProofings } from './assurance/proofing/store.ts';
import { purgeProofs } from './assurance/purge.ts';
import { runRechecks } from './assurance/recheck.ts';
import { purgeAccessLog, purgeAudit } from './audit/purge.ts';
import { type SealingKey, sealAll } from './audit/seal.ts';
import type { Cards } from './authorities/cards.ts';
import type { Carrier } from './authorities/carrier.ts';
import type { RedirectCheck } from './authorities/redirect-check.ts';
import type { Register } from './authorities/register.ts';
import type { SmsGateway } from './authorities/sms.ts';
import { closeDueAccounts } from './citizens/closing.ts';
import { purgeCitizens } from './citizens/purge.ts';
import { readCitizen } from './citizens/store.ts';
import { tellLate } from './front-door/proofing/tell-late.ts';
import { purgeFrontDoor } from './front-door/purge.ts';
import { applyDueRecoveries, type RecoveryTools } from './front-door/recovery/recover.ts';
import { purgeCollection } from './health-code/collection/purge.ts';
import { purgeDoor } from './health-code/door/purge.ts';
import { purgeExchange } from './health-code/exchange/purge.ts';
import { type HealthJobsDeps, healthJobs } from './health-code/jobs.ts';
import { purgeHealth } from './health-code/purge.ts';
import { purgeShown } from './health-code/show/purge.ts';
import { purgeTrips } from './health-code/travel/purge.ts';
import type { Jobs } from './platform/jobs.ts';
import { lifetimes } from './platform/lifetimes.ts';
import { purgeLimits } from './platform/limits.ts';
import { deliver, purgeOutbox } from './platform/outbox.ts';
import { type EnqueueLogout, endExpiredSessions } from './sessions/end.ts';
import { purgeProtocolRecords } from './sessions/purge.ts';

const BATCH = 500;
/** Each asks an authority, so a batch takes its time. */
const RECHECKS = 50;
/** Longer than any session or token that could rest on a proof. */
const PROOFS_KEPT_MS = 3 * 24 * 3_600_000;

/** Repeats a batch until it finds nothing more to do. */
async function untilDone(batch: () => Promise<number>): Promise<void> {
  while ((await batch()) > 0);
}

export interface ScheduleDeps extends RecoveryTools, HealthJobsDeps {
  jobs: Jobs;
  sms: SmsGateway;
  register: Register;
  carrier: Carrier;
  cards: Cards;
  redirectCheck: RedirectCheck;
  sealingKey: () => Promise<SealingKey>;
  enqueueLogout: EnqueueLogout;
}

/** What it takes to ask how a check went that nobody waits for. */
const checksOf = ({ db, cipher, clock, translator, ...authorities }: ScheduleDeps): ProofingDeps => ({
  db,
  now: clock,
  methods: createMethods(authorities),
  returnTo: '',
  openSeconds: lifetimes.proofing,
  async readSubject(citizenId) {
    const citizen = await readCitizen(db, cipher, citizenId);
    return citizen?.accountState === undefined || citizen.accountState === 'closed' ? undefined : citizen;
  },
  tellLate: tellLate({ cipher, t: translator('zh-CN') }),
});

/** What happens without anybody asking, and how often. Each runs once among all processes. */
export async function defineSchedule(deps: ScheduleDeps): Promise<void> {
  const { db, cipher, clock, jobs, sms } = deps;
  const every = (seconds: number, name: string, work: () => Promise<unknown>) =>
    jobs.define(name, async () => void (await work()), { everySeconds: seconds });

  await every(1, 'outbox', () =>
    deliver(
      db,
      cipher,
      async ({ channel, to, text }) => {
        if (channel === 'sms') await sms.send({ to, text });
        return undefined;
      },
      clock(),
    ),
  );
  await every(2, 'audit-seal', async () => sealAll(db, await deps.sealingKey(), clock()));
  await every(30, 'sessions-expired', async () => {
    await untilDone(() =>
      db.transaction((tx) => endExpiredSessions(tx, deps.enqueueLogout, { now: clock(), limit: BATCH })),
    );
  });
  await every(60, 'recoveries-due', () => applyDueRecoveries(db, deps, clock()));
  await every(60, 'accounts-closing', () =>
    untilDone(() => closeDueAccounts(db, deps, { now: clock(), limit: BATCH })),
  );
  await every(60, 'proofings-awaited', () => decideLater(checksOf(deps), { limit: RECHECKS }));
  for (const { name, everySeconds, run } of healthJobs(deps)) await every(everySeconds, name, run);
  await every(60, 'rechecks', () =>
    untilDone(() => runRechecks({ ...deps, now: clock }, { limit: RECHECKS })),
  );
  await every(60, 'purge', async () => {
    const now = clock();
    await purgeProtocolRecords(db, { now });
    await untilDone(() => purgeCitizens(db, { now, limit: BATCH }));
    await untilDone(() => purgeFrontDoor(db, { now, limit: BATCH }));
    await untilDone(() => purgeAccount(db, { now, limit: BATCH }));
    const before = new Date(now.getTime() - PROOFS_KEPT_MS);
    await untilDone(() => purgeProofs(db, { before, limit: BATCH }));
    await untilDone(() => purgeProofings(db, { before, limit: BATCH }));
    await purgeAudit(db, { now, keepSeconds: lifetimes.auditLog });
    await purgeAccessLog(db, { now, keepSeconds: lifetimes.accessLog });
    await untilDone(() => purgeHealth(db, { now, limit: BATCH }));
    await untilDone(() => purgeShown(db, { now, limit: BATCH }));
    await untilDone(() => purgeDoor(db, { now, limit: BATCH }));
    await untilDone(() => purgeTrips(db, { now, limit: BATCH }));
    await untilDone(() => purgeCollection(db, { now, limit: BATCH }));
    await untilDone(() => purgeExchange(db, { now, limit: BATCH }));
    await purgeLimits(db, now);
    await purgeOutbox(db, now);
  });
}
