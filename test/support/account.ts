import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { accountClient } from '../../src/account/client.ts';
import type { AccountDeps } from '../../src/account/deps.ts';
import { accountRoutes } from '../../src/account/routes.ts';
import type { ProofMethod } from '../../src/assurance/policy.ts';
import { createCarrier } from '../../src/authorities/carrier.ts';
import type { Cipher } from '../../src/platform/field-encryption.ts';
import { createLimits } from '../../src/platform/limits.ts';
import { deliver } from '../../src/platform/outbox.ts';
import { endSessions } from '../../src/sessions/end.ts';
import type { Answered, Jar } from './http-client.ts';
import { startProtocol, type TestProtocol } from './protocol.ts';

const SECRET = 'a secret of the account pages, for tests only';

/** What the carrier of the test knows. */
export interface CarrierWorld {
  owner: 'match' | 'other_owner' | 'unknown';
  simChangedAt: Date | null;
  down: boolean;
}

export interface TestAccount extends TestProtocol {
  cipher: Cipher;
  carrier: CarrierWorld;
  /** Follows redirects until a page comes, or the door's stand-in (status 200 with the interaction as JSON). */
  follow(jar: Jar, answer: Answered): Promise<Answered & { url: string }>;
  /** Opens `path`; where the door asks, logs in as `citizenId` with `methods`. */
  open(
    jar: Jar,
    path: string,
    citizenId: string,
    methods?: ProofMethod[],
  ): Promise<Answered & { url: string }>;
  /** Posts a form as the page would. */
  submit(jar: Jar, path: string, fields?: Record<string, string>): Promise<Answered & { url: string }>;
  /** Sends what waits in the outbox. @returns the messages, oldest first. */
  messages(): Promise<{ to: string; text: string }[]>;
}

/** A carrier that speaks HTTP and knows what the test says. */
async function startCarrier(t: ExecutionContext<unknown>, world: CarrierWorld): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (world.down) response.writeHead(503).end('{}');
    else if (request.url === '/carrier/owner') {
      const reference = `carrier-${Math.random().toString(36).slice(2)}`;
      response.end(JSON.stringify({ outcome: world.owner, reference, source: 'carrier' }));
    } else response.end(JSON.stringify({ changedAt: world.simChangedAt?.toISOString() ?? null }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The citizen's own pages beside a real provider. */
export async function startAccount(
  t: ExecutionContext<unknown>,
  options: { clock?: () => Date } & Partial<AccountDeps> = {},
): Promise<TestAccount> {
  const carrier: CarrierWorld = { owner: 'match', simChangedAt: null, down: false };
  const carrierUrl = await startCarrier(t, carrier);
  let cipher: Cipher | undefined;
  const protocol = await startProtocol(t, {
    ...(options.clock && { clock: options.clock }),
    clients: (issuer) => [
      accountClient(issuer, SECRET),
      {
        client_id: 'portal',
        client_name: '甲市政务服务网',
        'client_name#en': 'City A',
        client_secret: 'secret of the portal, at least 32 letters',
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: ['http://localhost:9/callback'],
        consent: 'implied',
        sector: 'portal',
      },
    ],
    mount(parts) {
      cipher = parts.cipher;
      const routes = accountRoutes({
        ...parts,
        limits: createLimits(parts.db),
        carrier: createCarrier(carrierUrl, fetch),
        clientSecret: SECRET,
        passkeyName: '一码通',
        recheck: async () => 'match' as const,
        endSessions: (tx, { citizenId, ...rest }) =>
          endSessions(tx, async () => {}, { accountId: citizenId, ...rest }),
        ...options,
      }).routes();
      return routes as unknown as ReturnType<NonNullable<Parameters<typeof startProtocol>[1]['mount']>>;
    },
  });
  const { db, issuer } = protocol;

  async function follow(jar: Jar, first: Answered): Promise<Answered & { url: string }> {
    let answer = first;
    let url = '';
    for (let hops = 0; answer.location !== undefined; hops++) {
      if (hops > 12) throw new Error(`redirected without end, last to ${answer.location}`);
      url = answer.location;
      answer = await jar.get(url);
    }
    return { ...answer, url };
  }

  const submit: TestAccount['submit'] = async (jar, path, fields = {}) => {
    const body = new URLSearchParams({ action: 'continue', ...fields });
    return follow(jar, await jar.post(path, body, { origin: issuer, 'sec-fetch-site': 'same-origin' }));
  };

  return {
    ...protocol,
    cipher: cipher!,
    carrier,
    follow,
    submit,
    async open(jar, path, citizenId, methods = ['password', 'totp']) {
      const page = await follow(jar, await jar.get(path));
      if (!page.url.includes('/interaction/')) return page;
      const proofs = methods.map((method) => ({ method }));
      return follow(jar, await jar.post(page.url, { act: 'log_in', citizenId, proofs }));
    },
    async messages() {
      const sent: { to: string; text: string }[] = [];
      const later = new Date((options.clock?.() ?? new Date()).getTime() + 1000);
      await deliver(
        db,
        cipher!,
        async ({ to, text }) => {
          sent.push({ to, text });
          return undefined;
        },
        later,
      );
      return sent;
    },
  };
}
