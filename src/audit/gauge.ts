import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';

/** How long a count is good for: the table is only looked at when somebody collects, and not too often. */
const FRESH_MS = 1_000;

/**
 * Reports how many audit events wait to be sealed and how old the oldest is. Alarm when that grows beyond a
 * minute: the chain stands still.
 *
 * @param waiting counts them (`waiting` in `seal.ts`).
 */
export function watchSealing(
  registry: Registry,
  waiting: () => Promise<{ count: number; oldestAt: Date | undefined }>,
  clock: Clock,
): void {
  let last: { at: number; found: ReturnType<typeof waiting> } | undefined;
  const look = () => {
    const at = clock().getTime();
    if (!last || Math.abs(at - last.at) > FRESH_MS) last = { at, found: waiting() };
    return last.found;
  };
  new Gauge({
    name: 'audit_unsealed_events',
    help: 'Audit events that no link of the chain holds yet',
    registers: [registry],
    async collect() {
      this.set((await look()).count);
    },
  });
  new Gauge({
    name: 'audit_unsealed_age_seconds',
    help: 'Age of the oldest audit event that is not sealed',
    registers: [registry],
    async collect() {
      const { oldestAt } = await look();
      this.set(oldestAt ? Math.max(0, (clock().getTime() - oldestAt.getTime()) / 1_000) : 0);
    },
  });
}
