/**
 * Makes a signing key: `node docs/examples/new-key.ts KEY_FILE KEY_ID`. The private half goes into the file,
 * the public half, for `jwks` in the clients file, is printed.
 */
import { writeFileSync } from 'node:fs';
import { exportJWK, generateKeyPair } from 'jose';

const [keyFile = '', kid = ''] = process.argv.slice(2);
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const { kty, crv, x, y, d } = await exportJWK(privateKey);
const about = { kid, alg: 'ES256', use: 'sig' };
writeFileSync(keyFile, `${JSON.stringify({ kty, crv, x, y, d, ...about }, undefined, 2)}\n`, {
  mode: 0o600,
  flag: 'wx',
});
process.stdout.write(`${JSON.stringify({ kty, crv, x, y, ...about }, undefined, 2)}\n`);
