/** The relying party of the protocol bench, known to both providers. */
export const CLIENT = {
  client_id: 'bench',
  client_name: 'bench',
  client_secret: 'a-secret-of-the-bench-of-at-least-32-characters',
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uris: ['http://localhost:4000/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
};

/** The same with our own members, for `CLIENTS_FILE`. */
export const OUR_CLIENT = { ...CLIENT, consent: 'implied', sector: 'bench', department: 'bench' };
