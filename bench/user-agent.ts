import { createHash, randomBytes } from 'node:crypto';
import { Pool } from 'undici';
import { CLIENT } from './client.ts';

/** Who logs in at our pages; the bare library asks nobody. */
export interface Person {
  username: string;
  password: string;
  code: string;
}

interface Answer {
  location: string | undefined;
  text: string;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** What a relying party and a browser do at one provider, with as little work of their own as possible. */
export interface Party {
  /** A browser that has logged in once. */
  logIn(): Promise<Browser>;
  /** Authorization request and code exchange of a browser that has a session. */
  signOn(browser: Browser): Promise<Tokens>;
  refresh(token: string): Promise<void>;
  introspect(token: string): Promise<void>;
  userinfo(token: string): Promise<void>;
  close(): Promise<void>;
}

export type Browser = Map<string, string>;

const authorization = `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')}`;
const FORM = 'application/x-www-form-urlencoded';
const verifier = randomBytes(32).toString('base64url');
const redirectUri = CLIENT.redirect_uris[0]!;
const request = new URLSearchParams({
  client_id: CLIENT.client_id,
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid',
  state: 'state',
  nonce: 'nonce',
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
});

export function partyAt(issuer: string, person: Person | undefined, connections: number): Party {
  const pool = new Pool(issuer, { connections, pipelining: 1 });

  async function send(browser: Browser, path: string, form?: Record<string, string>): Promise<Answer> {
    const cookie = [...browser].map(([name, value]) => `${name}=${value}`).join('; ');
    const { headers, body, statusCode } = await pool.request({
      path,
      method: form ? 'POST' : 'GET',
      headers: { accept: 'text/html', cookie, ...(form && { origin: issuer, 'content-type': FORM }) },
      ...(form && { body: new URLSearchParams(form).toString() }),
    });
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (/expires=Thu, 01 Jan 1970/i.test(line)) browser.delete(pair.slice(0, at));
      else browser.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const text = await body.text();
    if (statusCode >= 400) throw new Error(`${path} answered ${statusCode}: ${text.slice(0, 300)}`);
    return { location: headers.location as string | undefined, text };
  }

  /** Fills in what the page asks for. */
  function answerTo(page: Answer, path: string): [path: string, form: Record<string, string>] {
    if (person === undefined) throw new Error(`${path} shows a page`);
    const base = path.replace(/\/code$/, '');
    if (page.text.includes('name="password"')) {
      return [`${base}/login`, { username: person.username, password: person.password, action: 'continue' }];
    }
    if (page.text.includes('name="code"')) {
      return [`${base}/code`, { code: person.code, factor: 'sms', action: 'continue' }];
    }
    throw new Error(`nobody knows what to do at ${path}: ${page.text.slice(0, 2000)}`);
  }

  /** From the authorization request to the code, through whatever pages come. */
  async function authorize(browser: Browser): Promise<string> {
    let path = `/oauth/authorize?${request}`;
    let answer = await send(browser, path);
    for (let step = 0; step < 12; step += 1) {
      if (answer.location === undefined) {
        const [action, form] = answerTo(answer, path);
        answer = await send(browser, action, form);
        continue;
      }
      const url = new URL(answer.location, issuer);
      if (answer.location.startsWith(redirectUri)) {
        const code = url.searchParams.get('code');
        if (code === null) throw new Error(`no code: ${url.searchParams}`);
        return code;
      }
      path = url.pathname + url.search;
      answer = await send(browser, path);
    }
    throw new Error(`the browser goes round in circles at ${path}`);
  }

  async function post(path: string, form: Record<string, string>): Promise<Record<string, unknown>> {
    const { statusCode, body } = await pool.request({
      path,
      method: 'POST',
      headers: { authorization, 'content-type': FORM },
      body: new URLSearchParams(form).toString(),
    });
    const answer = (await body.json()) as Record<string, unknown>;
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${JSON.stringify(answer)}`);
    return answer;
  }

  const exchange = async (code: string) =>
    (await post('/oauth/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    })) as unknown as Tokens;

  return {
    async logIn() {
      const browser: Browser = new Map();
      await exchange(await authorize(browser));
      return browser;
    },
    signOn: async (browser) => exchange(await authorize(browser)),
    async refresh(token) {
      await post('/oauth/token', { grant_type: 'refresh_token', refresh_token: token });
    },
    async introspect(token) {
      const { active } = await post('/oauth/introspect', { token });
      if (active !== true) throw new Error('the token is not active');
    },
    async userinfo(token) {
      const { statusCode, body } = await pool.request({
        path: '/oauth/userinfo',
        method: 'GET',
        headers: { authorization: `Bearer ${token}` },
      });
      const { sub } = (await body.json()) as { sub?: string };
      if (statusCode !== 200 || sub === undefined) throw new Error(`userinfo answered ${statusCode}`);
    },
    close: () => pool.close(),
  };
}
