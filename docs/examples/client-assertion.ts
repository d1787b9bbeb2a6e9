/**
 * Prints a client assertion (OpenID Connect Core 1.0 §9, `private_key_jwt`):
 * `node docs/examples/client-assertion.ts KEY_FILE CLIENT_ID ISSUER`. Each is good for one request.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { importJWK, type JWK, SignJWT } from 'jose';

const [keyFile = '', clientId = '', issuer = ''] = process.argv.slice(2);
const key = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK;
const assertion = await new SignJWT()
  .setProtectedHeader({ alg: 'ES256', kid: key.kid })
  .setIssuer(clientId)
  .setSubject(clientId)
  .setAudience(issuer)
  .setJti(randomUUID())
  .setIssuedAt()
  .setExpirationTime('1m')
  .sign(await importJWK(key, 'ES256'));
process.stdout.write(`${assertion}\n`);
