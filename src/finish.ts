import type { Server } from 'node:http';

const LOOK_MS = 50;

/**
 * Takes no more connections and waits until the requests in flight are answered.
 *
 * @param mostMs after so many milliseconds the connections that are left are cut.
 * @returns whether all were answered.
 */
export async function finishRequests(server: Server, mostMs: number): Promise<boolean> {
  let cut = false;
  // A browser keeps its connection open after the answer; the server would wait for it to close.
  const idle = setInterval(() => server.closeIdleConnections(), LOOK_MS);
  const patience = setTimeout(() => {
    cut = true;
    server.closeAllConnections();
  }, mostMs);
  await new Promise<void>((closed) => {
    server.close(() => closed());
    server.closeIdleConnections();
  });
  clearInterval(idle);
  clearTimeout(patience);
  return !cut;
}
