import * as openid from 'openid-client';
import { acrOf, type Level } from '../assurance/level.ts';
import { CLIENT_ID } from './client.ts';

/** What the browser must bring back with the code. */
export interface SignIn {
  state: string;
  nonce: string;
  codeVerifier: string;
  returnTo: string;
  /** Seconds; set when the citizen was asked to log in again. */
  maxAge?: number;
}

export interface RelyingParty {
  /** Where to send the browser, and what to keep of it. */
  begin(wish: { returnTo: string; maxAge?: number; level?: Level; locale?: string }): Promise<{
    url: string;
    signIn: SignIn;
  }>;
  /** @returns the access token. @throws when the answer is an error or does not belong to `signIn`. */
  finish(answer: URL, signIn: SignIn): Promise<string>;
  /** Where to send the browser to log out everywhere. */
  logoutUrl(): Promise<string>;
}

/** The citizen's own pages as a client of our own front door (OpenID Connect Core 1.0, code flow with PKCE). */
export function createRelyingParty({
  issuer,
  clientSecret,
  fetch,
}: {
  issuer: string;
  clientSecret: string;
  fetch?: typeof globalThis.fetch | undefined;
}): RelyingParty {
  let discovered: Promise<openid.Configuration> | undefined;
  // At the first request and not at start: the provider listens in this same process.
  const configuration = () => {
    discovered ??= openid
      .discovery(
        new URL(issuer),
        CLIENT_ID,
        { client_secret: clientSecret, id_token_signed_response_alg: 'ES256' },
        openid.ClientSecretBasic(clientSecret),
        {
          ...(issuer.startsWith('http:') && { execute: [openid.allowInsecureRequests] }),
          ...(fetch && { [openid.customFetch]: fetch as openid.CustomFetch }),
        },
      )
      .catch((error: unknown) => {
        discovered = undefined;
        throw error;
      });
    return discovered;
  };
  return {
    async begin({ returnTo, maxAge, level, locale }) {
      const signIn: SignIn = {
        state: openid.randomState(),
        nonce: openid.randomNonce(),
        codeVerifier: openid.randomPKCECodeVerifier(),
        returnTo,
        ...(maxAge !== undefined && { maxAge }),
      };
      const acr = level && { id_token: { acr: { essential: true, values: [acrOf(level)] } } };
      const url = openid.buildAuthorizationUrl(await configuration(), {
        redirect_uri: `${issuer}/account/callback`,
        scope: 'openid',
        state: signIn.state,
        nonce: signIn.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(signIn.codeVerifier),
        code_challenge_method: 'S256',
        ...(maxAge !== undefined && { max_age: String(maxAge) }),
        ...(acr && { claims: JSON.stringify(acr) }),
        ...(locale && { ui_locales: locale }),
      });
      return { url: url.href, signIn };
    },
    async finish(answer, { state, nonce, codeVerifier, maxAge }) {
      const tokens = await openid.authorizationCodeGrant(await configuration(), answer, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        ...(maxAge !== undefined && { maxAge }),
      });
      return tokens.access_token;
    },
    async logoutUrl() {
      const url = openid.buildEndSessionUrl(await configuration(), {
        post_logout_redirect_uri: `${issuer}/account/logged-out`,
      });
      return url.href;
    },
  };
}
