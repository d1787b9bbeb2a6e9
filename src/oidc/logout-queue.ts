import type { Jobs } from '../platform/jobs.ts';
import type { EnqueueLogout, LogoutNotice } from '../sessions/end.ts';

const QUEUE = 'backchannel-logout';

/**
 * The queue between the end of a session and the relying parties that must hear of it (OpenID Connect
 * Back-Channel Logout 1.0 §2.5). A notice is put there in the transaction that ends the session, and tried
 * again for a day if the relying party does not take it.
 */
export const enqueueLogoutOn =
  (jobs: Jobs): EnqueueLogout =>
  async (tx, notices) => {
    for (const notice of notices) await jobs.enqueue(tx, QUEUE, { ...notice });
  };

export async function defineLogoutQueue(
  jobs: Jobs,
  send: (notice: LogoutNotice) => Promise<void>,
): Promise<void> {
  await jobs.define(QUEUE, (payload) => send(payload as unknown as LogoutNotice), {
    retryLimit: 20,
    retryDelay: 2,
    retryBackoff: true,
  });
}
