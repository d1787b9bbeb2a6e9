import { loadPeople } from '../people/person.ts';
import { startAuthorities } from './server.ts';

const { PORT = '3010', HOST = 'localhost', PEOPLE_FILE, CLOCK_PEERS = '', PUBLIC_URL, ISSUER } = process.env;

const authorities = await startAuthorities({
  port: Number(PORT),
  host: HOST,
  people: loadPeople(PEOPLE_FILE),
  clockPeers: CLOCK_PEERS.split(/[\s,]+/).filter(Boolean),
  publicUrl: PUBLIC_URL,
  issuer: ISSUER,
});
process.stdout.write(`authorities listening at ${authorities.url}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await authorities.close();
    process.exit(0);
  });
}
