import { createServer } from 'node:http';
import { createApp } from './app.ts';
import { BadEnvironment, readSettings, type Settings } from './environment.ts';
import { finishRequests } from './finish.ts';
import { createLog } from './platform/log.ts';

/** How long a request in flight may take once the process was told to end: less than `compose.yaml` waits. */
const FINISH_MS = 10_000;

/** Ends with a sentence instead of a stack: what is wrong here, the operator can mend. */
function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function settingsOrRefuse(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (error instanceof BadEnvironment) refuse(error.message);
    throw error;
  }
}

const settings = settingsOrRefuse();
const log = createLog({ level: settings.logLevel, name: 'platform' });
const app = await createApp(settings, log).catch((error: Error) => {
  log.error({ err: error }, 'start failed');
  return refuse(`Start failed: ${error.message}`);
});
const server = createServer(app.listener);

server.once('error', (error) =>
  refuse(`Cannot listen on ${settings.host}:${settings.port}: ${error.message}`),
);
server.listen(settings.port, settings.host, async () => {
  await app.start();
  log.info({ port: settings.port, issuer: settings.issuer }, 'ready');
  process.send?.('ready');
});

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (stopping) return;
    stopping = true;
    if (!(await finishRequests(server, FINISH_MS))) log.error({}, 'requests were cut off at the end');
    await app.stop();
    process.exit(0);
  });
}
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
