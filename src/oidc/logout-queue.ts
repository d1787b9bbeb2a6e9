import type { Jobs } from '../platform/jobs.ts';
import type { EnqueueLogout, LogoutNotice } from '../sessions/end.ts';

export const LOGOUT_QUEUE = 'backchannel-logout';

/**
 * Two seconds, four, eight … one hour, and from then on every hour: together a day, after which a session
 * of the relying party's own has ended anyway.
 */
const RETRIES = { retryLimit: 33, retryDelay: 2, retryBackoff: true, retryDelayMax: 3600 };

/**
 * The queue between the end of a session and the relying parties that must hear of it (OpenID Connect
 * Back-Channel Logout 1.0 §2.5). A notice is put there in the transaction that ends the session, and tried
 * again for a day if the relying party does not take it.
 */
export const enqueueLogoutOn =
  (jobs: Jobs): EnqueueLogout =>
  async (tx, notices) => {
    for (const notice of notices) await jobs.enqueue(tx, LOGOUT_QUEUE, { ...notice });
  };

export async function defineLogoutQueue(
  jobs: Jobs,
  send: (notice: LogoutNotice) => Promise<void>,
): Promise<void> {
  await jobs.define(LOGOUT_QUEUE, (payload) => send(payload as unknown as LogoutNotice), RETRIES);
}
