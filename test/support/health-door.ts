import type { ExecutionContext } from 'ava';
import { checkCode } from '../../src/health-code/door/check.ts';
import { addDevice, registerVenue } from '../../src/health-code/door/venues.ts';
import type { Holder } from '../../src/health-code/people.ts';
import { attest } from '../../src/health-code/show/attest.ts';
import { openHealthKeys } from '../../src/health-code/show/keys.ts';
import { issueOnline } from '../../src/health-code/show/online-code.ts';
import { exportPoint, newDeviceKey } from '../../src/health-code/wire/cose.js';
import { writeOfflineCode } from '../../src/health-code/wire/offline-code.js';
import type { Database } from '../../src/platform/database.ts';
import { createLimits } from '../../src/platform/limits.ts';
import { cipher, NOW } from './citizens.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { givenDeclared, givenHealthCode } from './health.ts';

export const OFFICERS = [
  'officer:00000000-0000-4000-8000-000000000001',
  'officer:00000000-0000-4000-8000-000000000002',
] as const;

/** A venue with one device. */
export async function givenVenue(db: Database, name = '甲市图书馆', now = NOW) {
  const by = OFFICERS[0];
  const id = await db.transaction((tx) => registerVenue(tx, { name, region: '390100', by, now }));
  const credential = await db.transaction((tx) => addDevice(tx, { venueId: id, label: '正门', by, now }));
  return { id, credential };
}

export interface Door {
  db: TestDatabase;
  venue: { id: string; credential: string };
  /** Somebody who has a green code. */
  holder: Holder;
  check(
    code: string,
    more?: { now?: Date; venue?: { id: string }; document?: string; nonce?: string; request?: string },
  ): ReturnType<typeof checkCode>;
  /** A fresh online code. */
  online(now?: Date): Promise<string>;
  /** A phone that holds an attestation of now and shows codes: the holder's own, or a guardian's. */
  phone(now?: Date, shownBy?: string): Promise<(at?: Date, nonce?: string) => Promise<string>>;
}

/** A venue with a device, and a citizen with a green code in front of it. */
export async function openDoor(t: ExecutionContext<unknown>, { max = 5 } = {}): Promise<Door> {
  const db = await freshDatabase(t, { max });
  await givenHealthCode(db);
  const holder = await givenDeclared(db, 1);
  const keys = openHealthKeys(db, cipher);
  const venue = await givenVenue(db);
  const deps = { db, cipher, keys, limits: createLimits(db) };
  return {
    db,
    venue,
    holder,
    check: (code, more = {}) => checkCode(deps, { venue, code, now: NOW, ...more }),
    online: async (now = NOW) => (await issueOnline(db, { citizenId: holder.citizenId, now })).code,
    async phone(now = NOW, shownBy = holder.citizenId) {
      const { privateKey, publicKey } = await newDeviceKey();
      const asked = { holder, shownBy, device: await exportPoint(publicKey), now };
      const { attestation } = await attest(db, keys, asked);
      return (at = now, nonce) =>
        writeOfflineCode({ attestation, time: Math.floor(at.getTime() / 1_000), nonce }, privateKey);
    },
  };
}
