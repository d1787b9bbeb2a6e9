import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';

export interface LogoutPortal {
  origin: string;
  tokens: string[];
  /** What it answers; `hold` keeps the connection open without an answer. */
  answer: number | 'hold';
  /** The next logout token. */
  next(): Promise<string>;
  /** When it has so many. */
  received(count: number): Promise<void>;
}

/** The address of a relying party that takes logout tokens. */
export async function openLogoutPortal(t: ExecutionContext<unknown>): Promise<LogoutPortal> {
  const waiting: ((token: string) => void)[] = [];
  const held: ServerResponse[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const token = new URLSearchParams(body).get('logout_token') ?? '';
    it.tokens.push(token);
    waiting.splice(0).forEach((tell) => {
      tell(token);
    });
    if (it.answer === 'hold') held.push(response);
    else response.writeHead(it.answer, it.answer === 302 ? { location: '/elsewhere' } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const next = () => new Promise<string>((tell) => waiting.push(tell));
  const received = async (count: number) => {
    while (it.tokens.length < count) await next();
  };
  const it: LogoutPortal = { origin, tokens: [], answer: 200, next, received };
  return it;
}
