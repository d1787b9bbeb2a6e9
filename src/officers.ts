import { readSettings } from './environment.ts';
import { OfficerCommandError, officerCommand, USAGE } from './health-code/officers/command.ts';
import { openDatabase } from './platform/database.ts';
import { createCipher } from './platform/field-encryption.ts';

/** `npm run officers`: who works on the health code. Needs the environment of `npm run serve`. */
const args = process.argv.slice(2);
if (args.length === 0) {
  process.stdout.write(`${USAGE}\n`);
} else {
  try {
    const settings = readSettings(process.env);
    const db = openDatabase(settings.databaseUrl, { max: 1 });
    try {
      const said = await officerCommand(db, createCipher(settings.masterKeys), args, new Date());
      process.stdout.write(`${said}\n`);
    } finally {
      await db.close();
    }
  } catch (error) {
    const own = error instanceof OfficerCommandError || (error as Error).name === 'BadEnvironment';
    process.stderr.write(
      `${own ? (error as Error).message : `It did not work: ${(error as Error).message}`}\n`,
    );
    process.exitCode = 1;
  }
}
