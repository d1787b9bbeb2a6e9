import { addDevice, authenticateDevice, registerVenue } from '../src/health-code/door/venues.ts';
import type { Database } from '../src/platform/database.ts';

/** A venue where health codes are checked, with a device code that everybody knows. */
export const VENUE = {
  name: '甲市图书馆',
  region: '390100',
  device: '正门',
  credential: 'JASH-1TSG-SAND-BXSA-NDBX-SAND-BXSA-NDBX',
} as const;

/** Registers the venue of the sandbox, unless an earlier start did. */
export async function settleVenue(db: Database, now: Date): Promise<void> {
  const { name, region, device: label, credential } = VENUE;
  await db.transaction(async (tx) => {
    await tx.query('lock table health_venue_devices in share row exclusive mode');
    if (await authenticateDevice(tx, credential)) return;
    const venueId = await registerVenue(tx, { name, region, by: 'sandbox', now });
    await addDevice(tx, { venueId, label, by: 'sandbox', now, credential });
  });
}
