import { ACCOUNTS_USAGE, AccountsCommandError, accountsCommand } from './citizens/accounts-command.ts';
import { readSettings } from './environment.ts';
import { defineLogoutQueue, enqueueLogoutOn } from './oidc/logout-queue.ts';
import { openDatabase } from './platform/database.ts';
import { createCipher } from './platform/field-encryption.ts';
import { openJobs } from './platform/jobs.ts';

/** `npm run accounts`: locks and unlocks an account. Needs the environment of `npm run serve`. */
async function run(args: readonly string[]): Promise<string> {
  const settings = readSettings(process.env);
  const db = openDatabase(settings.databaseUrl, { max: 3 });
  const clock = () => new Date();
  try {
    const log = {
      error: (_: object, message: string) => void process.stderr.write(`It went wrong: ${message}\n`),
    };
    const jobs = await openJobs({ connectionString: settings.databaseUrl, db, log });
    try {
      // Relying parties are told by the processes that serve; here the notices are only put on the queue.
      await defineLogoutQueue(jobs, {
        db,
        clock,
        send: () => Promise.reject(new Error('not sent from here')),
      });
      const tools = { cipher: createCipher(settings.masterKeys), enqueueLogout: enqueueLogoutOn(jobs) };
      return await accountsCommand(db, tools, args, clock());
    } finally {
      await jobs.stop();
    }
  } finally {
    await db.close();
  }
}

const args = process.argv.slice(2);
if (args.length === 0) {
  process.stdout.write(`${ACCOUNTS_USAGE}\n`);
} else {
  try {
    process.stdout.write(`${await run(args)}\n`);
  } catch (error) {
    const own = error instanceof AccountsCommandError || (error as Error).name === 'BadEnvironment';
    process.stderr.write(
      `${own ? (error as Error).message : `It did not work: ${(error as Error).message}`}\n`,
    );
    process.exitCode = 1;
  }
}
