import type { Catalogue } from '../../src/departments/catalogue.ts';
import { openProtocol, type Protocol } from '../../src/oidc/protocol.ts';
import { createProtocolPages } from '../../src/oidc/protocol-pages.ts';
import type { HealthClaimSource } from '../../src/oidc/release-claims.ts';
import { createStandings } from '../../src/oidc/subject-standing.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Database } from '../../src/platform/database.ts';
import { createCipher } from '../../src/platform/field-encryption.ts';
import { readLifetimes } from '../../src/platform/lifetimes.ts';
import { createOutbound } from '../../src/platform/outbound.ts';
import type { Pages } from '../../src/platform/pages.ts';
import type { EnqueueLogout } from '../../src/sessions/end.ts';
import { ensureSigningKeys } from '../../src/sessions/signing-keys.ts';
import { pages } from './pages.ts';

/** The same in every process of a test. */
export const cipher = createCipher({
  current: 'test',
  keys: { test: Buffer.alloc(32, 1) },
  indexKey: Buffer.alloc(32, 2),
});

interface KeyRow {
  kid: string;
  position: number;
  private_jwk: Buffer;
  created_at: Date;
}

let made: Promise<KeyRow[]> | undefined;

/** Gives the database signing keys: making them costs a quarter of a second, so a process makes them once. */
async function shareSigningKeys(db: Database): Promise<void> {
  made ??= ensureSigningKeys(db, cipher, new Date()).then(() =>
    db.query<KeyRow>('select kid, position, private_jwk, created_at from signing_keys'),
  );
  for (const { kid, position, private_jwk, created_at } of await made) {
    await db.query(
      `insert into signing_keys (kid, position, private_jwk, created_at) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [kid, position, private_jwk, created_at],
    );
  }
}

/** The protocol as `app.ts` would open it, with the keys of tests. */
export async function protocolOn(options: {
  db: Database;
  issuer: string;
  clock: Clock;
  catalogue: Catalogue;
  enqueueLogout: EnqueueLogout;
  onError: (error: unknown) => void;
  /** Private origins that logout tokens may be sent to. */
  allow?: string[] | undefined;
  healthClaim?: HealthClaimSource | undefined;
  pages?: Pages;
}): Promise<Protocol> {
  const { db, issuer, clock, catalogue, enqueueLogout, onError } = options;
  await shareSigningKeys(db);
  return openProtocol(
    {
      db,
      clock,
      catalogue,
      cipher,
      standings: createStandings(db, clock),
      healthClaim: options.healthClaim ?? (async () => undefined),
      enqueueLogout,
      refreshReplayGrace: 10_000,
      settings: {
        issuer,
        cookieKeys: ['test'],
        pairwiseKey: Buffer.alloc(32, 3),
        dpopNonceSecret: Buffer.alloc(32, 4),
      },
      lifetimes: readLifetimes(),
      outbound: createOutbound({ allow: options.allow ?? [] }),
      pages: createProtocolPages(options.pages ?? pages, catalogue),
    },
    { error: (fields) => onError((fields as { err: unknown }).err) },
  );
}
