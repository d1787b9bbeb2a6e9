import { fileURLToPath } from 'node:url';
import { runSandbox } from '../../../sandbox/run.ts';

/** `npm start` with small programs in place of ours: `entry.ts dataDir port behaviour…`. */
const [dataDir, port, ...behaviours] = process.argv.slice(2);
await runSandbox(
  {
    dataDir: dataDir!,
    portOffset: 0,
    databaseUrl: process.env.OWN_DATABASE ? undefined : process.env.DATABASE_URL,
    given: process.env,
    programs: ({ databaseUrl }) =>
      behaviours.map((behaviour, index) => ({
        name: `${behaviour} program`,
        port: Number(port) + index,
        script: fileURLToPath(new URL('program.ts', import.meta.url)),
        env: { PORT: String(Number(port) + index), BEHAVIOUR: behaviour, DATABASE_URL: databaseUrl },
      })),
  },
  (programs) => programs.map(({ port }) => port).join(' '),
);
