/**
 * A whole relying party in one file: login, levels and step-up, linking of the users that the portal already
 * has, logout here and from elsewhere. `node docs/examples/portal.ts`, explained in docs/relying-parties.md.
 *
 * Sessions and users live in memory; a portal of yours keeps them in its database.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { acrOf, type Level, reaches } from './level.ts';

const {
  ISSUER = 'http://localhost:3000',
  ORIGIN = 'http://localhost:8080',
  CLIENT_ID = 'my-portal',
  CLIENT_SECRET = 'replace-me-with-32-random-bytes-0001',
} = process.env;

/** What the portal remembers of a browser that it sent to the platform. */
interface Journey {
  verifier: string;
  nonce: string;
  returnTo: string;
  needs: Level;
}

/** A login at this portal. It ends with the access token: the level is not known to hold any longer. */
interface Login {
  /** The person's key in our own tables: issuer and subject together. */
  key: string;
  sid: unknown;
  acr: unknown;
  until: number;
}

interface LocalSession {
  journeys: Map<string, Journey>;
  login?: Login;
}

const sessions = new Map<string, LocalSession>();
/** Our own users, as they were before the platform came: user name → password. */
const oldUsers = new Map([['laowang', 'a password from before']]);
/** (issuer, subject) → our own user. The only place where the two worlds meet. */
const links = new Map<string, string>();
const usedLogoutTokens = new Set<string>();

// Once, at the first use: the endpoints and keys come from discovery, not from configuration.
let discovered: Promise<openid.Configuration> | undefined;
const platform = () => {
  discovered ??= openid
    .discovery(
      new URL(ISSUER),
      CLIENT_ID,
      { id_token_signed_response_alg: 'ES256', [openid.clockTolerance]: 10 },
      openid.ClientSecretBasic(CLIENT_SECRET),
      { timeout: 5, ...(ISSUER.startsWith('http:') && { execute: [openid.allowInsecureRequests] }) },
    )
    .catch((error: unknown) => {
      discovered = undefined;
      throw error;
    });
  return discovered;
};

/** Sends the browser to the platform; `needs` is a floor, so that anything less is an error and no login. */
async function leave(session: LocalSession, needs: Level, returnTo: string): Promise<string> {
  const journey = {
    verifier: openid.randomPKCECodeVerifier(),
    nonce: openid.randomNonce(),
    returnTo,
    needs,
  };
  const state = openid.randomState();
  session.journeys.set(state, journey);
  const url = await openid.buildAuthorizationUrlWithPAR(await platform(), {
    redirect_uri: `${ORIGIN}/callback`,
    scope: 'openid',
    state,
    nonce: journey.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(journey.verifier),
    code_challenge_method: 'S256',
    claims: JSON.stringify({ id_token: { acr: { essential: true, values: [acrOf(needs)] } } }),
  });
  return url.href;
}

/** The way back. Throws what the platform answered: `access_denied`, `unmet_authentication_requirements` … */
async function arrive(session: LocalSession, url: URL): Promise<{ login: Login; returnTo: string }> {
  const state = url.searchParams.get('state') ?? '';
  const journey = session.journeys.get(state);
  if (journey === undefined) throw new Error('this login was not begun in this browser, or is over');
  session.journeys.delete(state);
  const tokens = await openid.authorizationCodeGrant(await platform(), url, {
    expectedState: state,
    expectedNonce: journey.nonce,
    pkceCodeVerifier: journey.verifier,
    idTokenExpected: true,
  });
  const { iss, sub, sid, acr } = tokens.claims()!;
  if (!reaches(acr, journey.needs)) throw new Error('the level is too low');
  const until = Date.now() + (tokens.expires_in ?? 60) * 1000;
  return { login: { key: `${iss} ${sub}`, sid, acr, until }, returnTo: journey.returnTo };
}

/** OpenID Connect Back-Channel Logout 1.0 §2.6: checks a logout token and ends the sessions that it names. */
async function endFromElsewhere(logoutToken: string): Promise<void> {
  const { issuer, jwks_uri: jwksUri = '' } = (await platform()).serverMetadata();
  const { payload } = await jwtVerify(logoutToken, createRemoteJWKSet(new URL(jwksUri)), {
    issuer,
    audience: CLIENT_ID,
    typ: 'logout+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['iat', 'exp', 'jti', 'sid', 'events'],
  });
  const { events, nonce, sid, jti = '' } = payload;
  const event = 'http://schemas.openid.net/event/backchannel-logout';
  if (nonce !== undefined || typeof events !== 'object' || !events || !(event in events)) {
    throw new Error('not a logout token');
  }
  if (usedLogoutTokens.has(jti)) return;
  usedLogoutTokens.add(jti);
  for (const session of sessions.values()) if (session.login?.sid === sid) delete session.login;
}

/** One local login, once, joins the account that somebody had here before to who they are at the platform. */
function link(login: Login, form: URLSearchParams): boolean {
  const [user, given] = [form.get('user') ?? '', Buffer.from(form.get('password') ?? '')];
  const right = Buffer.from(oldUsers.get(user) ?? '');
  if (right.length === 0 || right.length !== given.length || !timingSafeEqual(right, given)) return false;
  links.set(login.key, user);
  return true;
}

const cookieOf = (request: IncomingMessage) =>
  /(?:^|; )city_c=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 20_000) throw new Error('too long');
  }
  return new URLSearchParams(text);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', ORIGIN);
  const route = `${request.method} ${url.pathname}`;
  const goTo = (to: string) => void response.writeHead(303, { location: to }).end();
  const show = (text: string) => void response.end(`${text}\n`);

  if (route === 'POST /backchannel-logout') {
    const logoutToken = (await formOf(request)).get('logout_token') ?? '';
    const taken = await endFromElsewhere(logoutToken).then(
      () => true,
      () => false,
    );
    return void response.writeHead(taken ? 200 : 400, { 'cache-control': 'no-store' }).end();
  }

  let id = cookieOf(request) ?? '';
  const session: LocalSession = sessions.get(id) ?? { journeys: new Map() };
  const keep = () => {
    id = randomBytes(32).toString('base64url');
    sessions.set(id, session);
    response.setHeader('set-cookie', `city_c=${id}; Path=/; HttpOnly; SameSite=Lax`);
  };
  if (!sessions.has(id)) keep();
  const login = session.login && session.login.until > Date.now() ? session.login : undefined;
  const user = login && links.get(login.key);

  switch (route) {
    case 'GET /':
      return show(
        login ? `Hello ${user ?? 'new citizen'}, your level is ${login.acr}.` : 'Public information.',
      );
    case 'GET /login':
      return goTo(await leave(session, 'basic', '/'));
    case 'GET /permits':
      if (!login || !reaches(login.acr, 'intermediate')) {
        return goTo(await leave(session, 'intermediate', '/permits'));
      }
      return show('Your permits.');
    case 'GET /callback': {
      const { login: fresh, returnTo } = await arrive(session, url);
      sessions.delete(id);
      session.login = fresh;
      keep();
      return goTo(returnTo);
    }
    case 'POST /link':
      if (!login) return goTo('/login');
      return show(link(login, await formOf(request)) ? 'Linked.' : 'Wrong user name or password.');
    case 'POST /logout':
      delete session.login;
      return goTo(
        openid.buildEndSessionUrl(await platform(), { post_logout_redirect_uri: `${ORIGIN}/logged-out` })
          .href,
      );
    case 'GET /logged-out':
      return show('You are logged out.');
    default:
      response.statusCode = 404;
      return show('There is nothing here.');
  }
}

const codeOf = (error: unknown): string =>
  error instanceof openid.AuthorizationResponseError ? error.error : 'login_failed';

createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    // The platform's code is for your pages; its description is for you, and neither holds personal data.
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`${codeOf(error)}\n`);
  });
}).listen(new URL(ORIGIN).port, () => process.stdout.write(`portal at ${ORIGIN}\n`));
