import { startPostgres } from '../../../sandbox/postgres/start.ts';

/** Started by tests as a process of its own: holds the database of the folder until it is killed. */
const { url } = await startPostgres({ dataDir: process.argv[2]!, durable: true });
process.stdout.write(`${url}\n`);
setInterval(() => {}, 60_000);
