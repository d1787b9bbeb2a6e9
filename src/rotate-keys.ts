import { record } from './audit/log.ts';
import { rotateMasterKey } from './citizens/rotate-keys.ts';
import { BadEnvironment, readMasterKeys } from './environment.ts';
import { openDatabase } from './platform/database.ts';
import { createCipher } from './platform/field-encryption.ts';
import { remainingSealed, resealColumn } from './platform/reseal.ts';
import { SEALED_COLUMNS } from './sealed-columns.ts';

/**
 * `npm run keys:rotate`: puts everything under the first of `MASTER_KEYS`, in batches beside the running product.
 * It may be stopped and run again: what is done is passed over. Ends with 1 when something still needs another
 * key, 2 when it could not begin.
 */
const say = (line: string) => process.stdout.write(`${line}\n`);

/** @returns whether nothing needs another key any more. */
async function rotate(databaseUrl: string): Promise<boolean> {
  const masterKeys = readMasterKeys(process.env);
  const cipher = createCipher(masterKeys);
  const db = openDatabase(databaseUrl, { max: 2 });
  try {
    let moved = await rotateMasterKey(db, cipher);
    say(`Persons' keys wrapped anew: ${moved}.`);
    for (const column of SEALED_COLUMNS) {
      const done = await resealColumn(db, cipher, column);
      moved += done;
      if (done > 0) say(`${column.table}.${column.column} sealed anew: ${done}.`);
    }
    let left = 0;
    for (const column of [{ table: 'citizens', column: 'wrapped_key' }, ...SEALED_COLUMNS]) {
      const remaining = await remainingSealed(db, cipher, column);
      if (remaining > 0) say(`${column.table}.${column.column} still under another key: ${remaining}.`);
      left += remaining;
    }
    if (left === 0 && moved > 0) {
      const detail = { key: 'master' } as const;
      await record(db, { type: 'key.rotated', actor: 'system', detail, at: new Date() });
    }
    const { current, keys } = masterKeys;
    const others = Object.keys(keys).filter((id) => id !== current);
    if (left > 0) {
      say('A process that still has another key first wrote meanwhile. Restart it, then run this again.');
    } else if (others.length > 0) {
      say(
        `Everything is under ${current}. In an hour, when logins under way have ended, ${others.join(', ')} can go.`,
      );
    } else say(`Everything is under ${current}.`);
    return left === 0;
  } finally {
    await db.close();
  }
}

const url = process.env.DATABASE_URL;
try {
  if (!url) throw new BadEnvironment(['DATABASE_URL is not set.']);
  process.exitCode = (await rotate(url)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`The keys could not be rotated: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
