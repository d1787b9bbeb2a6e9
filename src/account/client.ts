import { hkdfSync } from 'node:crypto';

export const CLIENT_ID = 'account';

/**
 * The secret by which the citizen's own pages know themselves to the front door: derived, so that every process
 * has the same and nobody has to configure it.
 *
 * @param key a secret of the installation; another one makes another secret.
 */
export const accountClientSecret = (key: Buffer): string =>
  Buffer.from(hkdfSync('sha256', key, '', 'yimatong account client', 32)).toString('base64url');

/** The citizen's own pages as a relying party, for the catalogue: an ordinary one, with no rights of its own. */
export const accountClient = (issuer: string, clientSecret: string) => ({
  client_id: CLIENT_ID,
  client_name: '我的账户',
  'client_name#en': 'My account',
  client_secret: clientSecret,
  application_type: 'web',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: [`${issuer}/account/callback`],
  post_logout_redirect_uris: [`${issuer}/account/logged-out`],
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'client_secret_basic' as const,
  scope: 'openid',
  min_acr: 'urn:ymt:acr:basic' as const,
  require_pkce: true,
  purposes: ['account'],
  consent: 'implied' as const,
  sector: 'account',
});
