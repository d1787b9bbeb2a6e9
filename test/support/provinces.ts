import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { decideFor } from '../../src/health-code/decide.ts';
import { openExchange } from '../../src/health-code/exchange/open.ts';
import { cipher, NOW } from './citizens.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { givenDeclared, givenEvidence, givenHealthCode } from './health.ts';
import { serve } from './http.ts';

export const KEY = Buffer.alloc(32, 7);
const MONTHS = { '2026-11': KEY.toString('base64'), '2026-12': Buffer.alloc(32, 8).toString('base64') };

export interface Province {
  db: TestDatabase;
  url: string;
  at: { now: Date };
  work: Awaited<ReturnType<typeof openExchange>>['work'];
  /** Asks another province whether a person is green. */
  ask: Awaited<ReturnType<typeof openExchange>>['ask'];
  /** Which provinces can be asked. */
  provinces: Awaited<ReturnType<typeof openExchange>>['provinces'];
  errors: object[];
  /** Makes another province known to this one. */
  meet(peer: { issuer: string; url: string }): void;
}

async function province(t: ExecutionContext, issuer: string): Promise<Province> {
  const db = await freshDatabase(t);
  await givenHealthCode(db);
  const at = { now: NOW };
  const errors: object[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'ymt-peers-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const peersFile = join(folder, 'peers.json');
  const known: object[] = [];
  const write = () => writeFileSync(peersFile, JSON.stringify({ issuer, month_keys: MONTHS, peers: known }));
  write();
  const exchange = await openExchange({
    db,
    cipher,
    clock: () => at.now,
    log: { error: (fields: object) => void errors.push(fields), info: () => {} },
    peersFile,
    limit: async () => {},
    patienceMs: 30_000,
  });
  const site = await serve(t, () => exchange.router, { crossSitePosts: ['/health/exchange/green'] });
  return {
    db,
    url: site.url,
    at,
    work: exchange.work,
    ask: exchange.ask,
    provinces: exchange.provinces,
    errors,
    meet(peer) {
      known.push({ ...peer, name: '邻省' });
      write();
    },
  };
}

/** Two provinces that know each other, with a person (`n`) who is known in both and one in each who is not. */
export async function neighbours(t: ExecutionContext) {
  const a = await province(t, '390000');
  const b = await province(t, '380000');
  a.meet({ issuer: '380000', url: b.url });
  b.meet({ issuer: '390000', url: a.url });
  const inA = await givenDeclared(a.db, 1);
  const inB = await givenDeclared(b.db, 1);
  await givenDeclared(a.db, 2);
  await givenDeclared(b.db, 3);
  return { a, b, inA, inB };
}

export const both = (a: Province, b: Province, now: Date) => {
  a.at.now = now;
  b.at.now = now;
};

export const colourIn = async ({ db, at }: Province, citizenId: string) => {
  const { colour, reasons } = await db.transaction((tx) => decideFor(tx, citizenId, at.now));
  return [colour, ...reasons].join(' ');
};

const contact = (db: TestDatabase, subject: Buffer, at: Date) =>
  givenEvidence(db, subject, { type: 'CLOSE_CONTACT', source: 'cdc', at });

export const turnRed = async (
  where: Province,
  who: { citizenId: string; subject: Buffer },
  at = where.at.now,
) => {
  await contact(where.db, who.subject, at);
  await colourIn(where, who.citizenId);
};
