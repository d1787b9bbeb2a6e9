/**
 * Prints a proof of possession (RFC 9449 §4): `node docs/examples/dpop-proof.ts KEY_FILE METHOD URL [ACCESS_TOKEN]`.
 * Each is good for one request.
 */
import { hash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { importJWK, type JWK, SignJWT } from 'jose';

const [keyFile = '', htm = '', htu = '', accessToken] = process.argv.slice(2);
const key = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK;
const { kty, crv, x, y } = key;
const ath = accessToken && hash('sha256', accessToken, 'base64url');
const proof = await new SignJWT({ htm, htu, ...(ath && { ath }) })
  .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } as JWK })
  .setJti(randomUUID())
  .setIssuedAt()
  .sign(await importJWK(key, 'ES256'));
process.stdout.write(`${proof}\n`);
