import { createHash } from 'node:crypto';

/**
 * Keys of the sandbox: the same everywhere, known to everybody, and refused outside a sandbox. They begin with
 * the mark by which `src/environment.ts` recognises them.
 */
const key = (name: string): string =>
  Buffer.concat([
    Buffer.from('sandbox:'),
    createHash('sha256').update(name).digest().subarray(0, 24),
  ]).toString('base64');

/** The environment variables that hold them. */
export const SANDBOX_KEYS: Readonly<Record<string, string>> = {
  MASTER_KEYS: `sandbox-1:${key('master 1')}`,
  INDEX_KEY: key('index'),
  PAIRWISE_KEY: key('pairwise'),
  DPOP_NONCE_SECRET: key('dpop nonce'),
  COOKIE_KEYS: 'sandbox-cookie-key-that-everybody-knows',
};
