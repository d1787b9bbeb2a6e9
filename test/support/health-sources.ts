import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { collectionRoutes } from '../../src/health-code/collection/routes.ts';
import { cipher, NOW, residentIdOf } from './citizens.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { givenHealthCode } from './health.ts';
import { serve } from './http.ts';

/** A row as a hospital sends it; `n` is the person's number (`residentIdOf`). */
export const rowOf = (n: number, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  reference: `r-${n}`,
  idNumber: residentIdOf(n),
  type: 'FEVER_CLINIC',
  at: '2026-11-23T09:00:00+08:00',
  purpose: 'epidemic_prevention',
  ...over,
});

export const ndjson = (rows: readonly unknown[]): string =>
  rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');

export interface Answer {
  status: number;
  lines: Record<string, unknown>[];
  /** What the last line says. */
  last: Record<string, unknown>;
  refused: { line: number; reason: string; message: string; field?: string }[];
  headers: Headers;
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const lines = text.split('\n').filter(Boolean);
  const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    status: response.status,
    lines: parsed,
    last: parsed.at(-1) ?? {},
    refused: parsed.filter(({ outcome }) => outcome === 'refused') as unknown as Answer['refused'],
    headers: response.headers,
  };
}

export interface SourceSite {
  db: TestDatabase;
  url: string;
  world: { now: Date };
  send(
    source: string,
    body: string | Buffer | ReadableStream,
    options?: { headers?: Record<string, string>; gzip?: boolean; client?: string; scopes?: string },
  ): Promise<Answer>;
}

/** The endpoint alone; a bearer token is `client scope scope`. */
export async function startSources(t: ExecutionContext): Promise<SourceSite> {
  const db = await freshDatabase(t, { max: 12 });
  await givenHealthCode(db);
  const world = { now: NOW };
  const site = await serve(t, (pages) =>
    collectionRoutes({
      db,
      cipher,
      pages,
      clock: () => world.now,
      extraProvinces: ['39'],
      log: { error: (fields) => t.fail(String((fields as { err: unknown }).err)) },
      async machineCaller(authorization) {
        const [clientId, ...scopes] = (authorization ?? '').replace(/^Bearer /, '').split(' ');
        return clientId ? { clientId, scopes: new Set(scopes) } : undefined;
      },
    }),
  );
  return {
    db,
    url: site.url,
    world,
    async send(source, body, { headers = {}, gzip = false, client = 'hospital-1', scopes } = {}) {
      const bytes = gzip ? gzipSync(body as string) : body;
      const response = await fetch(`${site.url}/health/ingest/${source}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${client} ${scopes ?? `ingest:${source}`}`,
          'content-type': 'application/x-ndjson',
          ...(gzip && { 'content-encoding': 'gzip' }),
          ...headers,
        },
        body: bytes,
        ...(bytes instanceof ReadableStream && { duplex: 'half' }),
      } as RequestInit);
      return readAnswer(response);
    },
  };
}
