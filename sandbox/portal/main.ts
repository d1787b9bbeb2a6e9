import { startPortal } from './server.ts';
import { readSettings } from './settings.ts';

const settings = readSettings(process.env);
const portal = await startPortal(settings);
process.stdout.write(`${settings.look} listening at ${portal.url}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await portal.close();
    process.exit(0);
  });
}
