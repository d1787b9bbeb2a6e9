import { readSettings } from '../src/environment.ts';
import { openDatabase } from '../src/platform/database.ts';
import { createCipher } from '../src/platform/field-encryption.ts';
import { loadPeople } from './people/person.ts';
import { settlePeople } from './people/settle.ts';
import type { Program } from './processes.ts';
import { settleVenue } from './venues.ts';

/** Before anybody listens: accounts for the registered people and a venue that checks health codes, under the keys of the platform's own settings. */
export async function settle(programs: readonly Program[]): Promise<void> {
  const platform = programs.find(({ env }) => env.SANDBOX_PEOPLE_FILE !== undefined);
  if (!platform) return;
  const settings = readSettings({ ...process.env, ...platform.env });
  const db = openDatabase(settings.databaseUrl, { max: 2 });
  try {
    const people = loadPeople(settings.sandboxPeopleFile);
    await settlePeople(db, createCipher(settings.masterKeys), people, new Date());
    await settleVenue(db, new Date());
  } finally {
    await db.close();
  }
}
