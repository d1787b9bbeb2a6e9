import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { Answered, Jar } from './http-client.ts';
import type { Answer, TestProtocol } from './protocol.ts';

export const SECRET = 'a-client-secret-of-at-least-32-characters';

/** Metadata of an ordinary portal, for `CLIENTS_FILE`. */
export const portal = (id: string, over: object = {}) => ({
  client_id: id,
  client_name: id,
  client_secret: SECRET,
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uris: [`http://${id}.localhost:4000/callback`],
  post_logout_redirect_uris: [`http://${id}.localhost:4000/`],
  grant_types: ['authorization_code', 'refresh_token'],
  id_token_signed_response_alg: 'ES256',
  consent: 'implied',
  sector: id,
  ...over,
});

export interface Tokens {
  access_token: string;
  id_token: string;
  refresh_token?: string;
  expires_in: number;
  scope: string;
  error?: string;
  error_description?: string;
}

export type Claims = Record<string, unknown> & {
  acr?: string;
  amr?: string[];
  auth_time?: number;
  sub: string;
};

export const claimsOf = (tokens: Tokens): Claims => decodeJwt(tokens.id_token) as Claims;

const basic = (id: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64')}`,
});

/** What the door tells of an interaction, as JSON. */
export type Details = Record<string, unknown> & { prompt: string };

/** What came back to the client's redirect address, or the page or interaction at which the browser stopped. */
export interface Outcome {
  params?: URLSearchParams;
  stopped?: Answered;
  interaction?: { path: string; details: Details };
  verifier: string;
}

export interface RelyingParty {
  /**
   * Sends the browser to the authorization endpoint; `answers` are given to interactions in order, or made for each
   * when it comes.
   */
  authorize(
    jar: Jar,
    params?: Record<string, string>,
    answers?: Answer[] | ((details: Details) => Answer | undefined),
    pushed?: boolean,
  ): Promise<Outcome>;
  exchange(outcome: Outcome, extra?: Record<string, string>): Promise<Tokens>;
  refresh(token: string, extra?: Record<string, string>): Promise<Tokens>;
  introspect(token: string): Promise<Record<string, unknown>>;
  userinfo(token: string): Promise<{ status: number; claims: Record<string, unknown> }>;
  /** authorize + exchange. */
  signIn(jar: Jar, params?: Record<string, string>, answers?: Answer[]): Promise<Tokens>;
}

/** @param isPublic a client without a secret */
export function relyingParty(platform: TestProtocol, id: string, isPublic = false): RelyingParty {
  const { issuer } = platform;
  const redirectUri = `http://${id}.localhost:4000/callback`;
  const post = async (path: string, body: Record<string, string>) => {
    const response = await fetch(new URL(path, issuer), {
      method: 'POST',
      headers: isPublic ? {} : basic(id),
      body: new URLSearchParams(isPublic ? { ...body, client_id: id } : body),
    });
    return (await response.json()) as Record<string, unknown>;
  };

  const party: RelyingParty = {
    async authorize(jar, params = {}, answers = [], pushed = false) {
      const verifier = randomBytes(32).toString('base64url');
      const query: Record<string, string> = {
        client_id: id,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'openid',
        state: 'state',
        nonce: randomBytes(8).toString('hex'),
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...params,
      };
      let start = query;
      if (pushed) {
        const par = await post('/oauth/par', query);
        if (typeof par.request_uri !== 'string') {
          return { params: new URLSearchParams(par as Record<string, string>), verifier };
        }
        start = { client_id: id, request_uri: par.request_uri };
      }
      let answer = await jar.get(`/oauth/authorize?${new URLSearchParams(start)}`);
      const left = typeof answers === 'function' ? [] : [...answers];
      for (;;) {
        const { location } = answer;
        if (location === undefined) return { stopped: answer, verifier };
        const url = new URL(location);
        if (url.origin !== issuer) return { params: url.searchParams, verifier };
        answer = await jar.get(location);
        if (!url.pathname.startsWith('/interaction/') || answer.location !== undefined) continue;
        const details = JSON.parse(answer.text) as Details;
        const next = typeof answers === 'function' ? answers(details) : left.shift();
        if (next === undefined) return { interaction: { path: url.pathname, details }, verifier };
        answer = await jar.post(url.pathname, next);
      }
    },

    async exchange({ params, verifier, stopped, interaction }, extra = {}) {
      const code = params?.get('code');
      if (code == null) {
        const where =
          interaction?.path ?? stopped?.text.match(/ymt-error" content="([^"]*)/)?.[1] ?? stopped?.text;
        throw new Error(`no code: ${params ?? `the browser stopped at ${where}`}`);
      }
      return (await post('/oauth/token', {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...extra,
      })) as unknown as Tokens;
    },

    refresh: async (token, extra = {}) =>
      (await post('/oauth/token', {
        grant_type: 'refresh_token',
        refresh_token: token,
        ...extra,
      })) as unknown as Tokens,

    introspect: (token) => post('/oauth/introspect', { token }),

    async userinfo(token) {
      const response = await fetch(new URL('/oauth/userinfo', issuer), {
        headers: { authorization: `Bearer ${token}` },
      });
      return { status: response.status, claims: (await response.json()) as Record<string, unknown> };
    },

    signIn: async (jar, params, answers) => party.exchange(await party.authorize(jar, params, answers)),
  };
  return party;
}

/** Password and SMS code. */
export const logIn = (
  citizenId: string,
  boundLevel: 'basic' | 'intermediate' | 'advanced' = 'advanced',
): Answer => ({
  act: 'log_in',
  citizenId,
  proofs: [
    { method: 'password', boundLevel },
    { method: 'sms', boundLevel },
  ],
});

/** A live check alone, in a session that is logged in already. */
export const liveFace = (citizenId: string): Answer => ({
  act: 'log_in',
  citizenId,
  proofs: [{ method: 'live_face' }],
});

export const essential = (...levels: string[]): string =>
  JSON.stringify({
    id_token: { acr: { essential: true, values: levels.map((level) => `urn:ymt:acr:${level}`) } },
  });
