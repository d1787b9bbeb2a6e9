import { record } from '../audit/log.ts';
import type { Clock } from '../platform/clock.ts';
import type { Queryable } from '../platform/database.ts';
import type { Jobs } from '../platform/jobs.ts';
import type { EnqueueLogout, LogoutNotice } from '../sessions/end.ts';

export const LOGOUT_QUEUE = 'backchannel-logout';

/**
 * Two seconds, four, eight … one hour, and from then on every hour: together a day, after which a session
 * of the relying party's own has ended anyway.
 */
const RETRIES = { retryLimit: 33, retryDelay: 2, retryBackoff: true, retryDelayMax: 3600 };

/**
 * A relying party that hangs costs five seconds a notice. It holds a few of many places, so that the notices of all
 * others pass by however many wait for it. What a killed process had taken is free again after a minute: until then
 * it would count as a notice on its way.
 */
const TURNS = { atOnce: 100, atOncePerGroup: 4, expireInSeconds: 60 };

/**
 * The queue between the end of a session and the relying parties that must hear of it (OpenID Connect
 * Back-Channel Logout 1.0 §2.5). A notice is put there in the transaction that ends the session, and tried
 * again for a day if the relying party does not take it.
 */
export const enqueueLogoutOn =
  (jobs: Jobs): EnqueueLogout =>
  async (tx, notices) => {
    for (const notice of notices)
      await jobs.enqueue(tx, LOGOUT_QUEUE, { ...notice }, { group: notice.clientId });
  };

/** The log says once that a relying party was told, or that it was given up. */
export async function defineLogoutQueue(
  jobs: Jobs,
  { db, clock, send }: { db: Queryable; clock: Clock; send: (notice: LogoutNotice) => Promise<boolean> },
): Promise<void> {
  await jobs.define(
    LOGOUT_QUEUE,
    async (payload, { retries }) => {
      const notice = payload as unknown as LogoutNotice;
      const { clientId, accountId: citizenId } = notice;
      const note = (type: 'logout.delivered' | 'logout.failed') =>
        record(db, { type, citizenId, clientId, at: clock() });
      let told: boolean;
      try {
        told = await send(notice);
      } catch (error) {
        if (retries >= RETRIES.retryLimit) await note('logout.failed');
        throw error;
      }
      if (told) await note('logout.delivered');
    },
    { ...RETRIES, ...TURNS },
  );
}
