import { existsSync, readFileSync } from 'node:fs';
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import { type Database, openDatabase } from '../platform/database.ts';
import { report } from './report.ts';
import { verify } from './verify.ts';

/**
 * `npm run audit:verify`: checks the sealed audit log of `DATABASE_URL` (or of the sandbox that runs) and lists
 * what is not sealed yet. Ends with 1 when something is broken, 2 when it could not look.
 *
 * `AUDIT_KEYS_FILE` (a JSON Web Key Set, RFC 7517 §5) and `AUDIT_HEAD` (`number:hash`, as an earlier run printed
 * it) come from outside the database; without them, whoever could rewrite all of it would go unnoticed.
 */
const say = (line: string) => process.stdout.write(`${line}\n`);

class CannotLook extends Error {}

function databaseUrl(): string {
  const sandbox = new URL('../../.data/database-url', import.meta.url);
  const url = process.env.DATABASE_URL || (existsSync(sandbox) && readFileSync(sandbox, 'utf8').trim());
  if (!url) throw new CannotLook('DATABASE_URL is not set, and no sandbox runs here.');
  return url;
}

async function readKeys(db: Database): Promise<Map<string, JWK>> {
  const file = process.env.AUDIT_KEYS_FILE;
  if (file) {
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: JWK[] };
    return new Map(keys.map((key) => [key.kid ?? '', key]));
  }
  const rows = await db.query<{ kid: string; public_jwk: JWK }>('select kid, public_jwk from audit_keys');
  for (const { kid, public_jwk } of rows) {
    say(`Key ${kid}, thumbprint ${await calculateJwkThumbprint(public_jwk)}, is the database's own copy.`);
  }
  return new Map(rows.map(({ kid, public_jwk }) => [kid, public_jwk]));
}

function knownHead(): { seq: number; hash: string } | undefined {
  const text = process.env.AUDIT_HEAD;
  if (!text) return undefined;
  const [, seq, hash] = /^(\d+):([\w-]{43})$/.exec(text) ?? [];
  if (!seq || !hash) throw new CannotLook('AUDIT_HEAD must be number:hash, as an earlier run printed it.');
  return { seq: Number(seq), hash };
}

async function run(): Promise<0 | 1> {
  const known = knownHead();
  const db = openDatabase(databaseUrl(), { max: 1 });
  try {
    const keys = new Map<string, CryptoKey>();
    for (const [kid, jwk] of await readKeys(db)) {
      keys.set(kid, (await importJWK(jwk, 'ES256')) as CryptoKey);
    }
    const { lines, exitCode } = report(await verify(db, { keyOf: (kid) => keys.get(kid), known }));
    for (const line of lines) say(line);
    return exitCode;
  } finally {
    await db.close();
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`The audit log could not be checked: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
