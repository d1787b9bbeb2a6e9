import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import Koa from 'koa';
import { z } from 'zod';
import { healthSources } from '../health-sources/page.ts';
import { type Outcomes, outcomesSchema, type Person } from '../people/person.ts';
import { bodyOf, readBody } from './body.ts';
import { checks } from './checks.ts';
import { clock } from './clock.ts';
import { home, styles } from './home.ts';
import { questions } from './questions.ts';
import { sms } from './sms.ts';
import { AUTHORITIES, type Authority, createWorld, type OutageMode, type World } from './world.ts';

export interface AuthoritiesOptions {
  /** 0 takes any free port. */
  port: number;
  host?: string;
  people: readonly Person[];
  /** Base URLs of the processes that follow this one's clock. */
  clockPeers?: readonly string[];
  /** Where browsers reach this server, when that is not where it listens. */
  publicUrl?: string;
  /** The platform, which the sources of health data send to. */
  issuer?: string;
}

export interface Authorities {
  url: string;
  close(): Promise<void>;
  outage(authority: Authority, mode: OutageMode): void;
  /** Changes what the person with this document number shows; `null` takes an outcome away. */
  outcomes(idNumber: string, outcomes: { [Key in keyof Outcomes]: Outcomes[Key] | null }): void;
}

/** Starts the outside world: registers, carriers, card issuers, check pages, SMS inbox and clock. */
export async function startAuthorities(options: AuthoritiesOptions): Promise<Authorities> {
  const world = createWorld(options.people);
  const app = new Koa();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? 'localhost', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = options.publicUrl?.replace(/\/+$/, '') ?? `http://${options.host ?? 'localhost'}:${port}`;

  app.use(answerErrors);
  app.use(securityHeaders);
  app.use(readBody);
  for (const router of [
    home(world),
    styles(),
    questions(world),
    checks(world, url),
    sms(world),
    clock(options.clockPeers ?? []),
    controls(world),
    healthSources(world, options.issuer ?? 'http://localhost:3000'),
  ]) {
    app.use(router.routes());
  }
  // Koa composes what it has at this moment, so this comes last.
  server.on('request', app.callback());

  return {
    url,
    outage: world.setOutage,
    outcomes(idNumber, outcomes) {
      const person = world.byDocument(idNumber);
      if (!person) throw new Error('no such person');
      world.setOutcomes(person, outcomes);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const answerErrors: Koa.Middleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    // The body parser throws plain errors with a status.
    const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
    const known = error instanceof Error && status >= 400 && status < 500;
    ctx.status = known ? status : 500;
    ctx.body = { error: known ? error.message : 'internal' };
    if (!known) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  }
};

const securityHeaders: Koa.Middleware = (ctx, next) => {
  ctx.set(
    'content-security-policy',
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'",
  );
  ctx.set('x-content-type-options', 'nosniff');
  ctx.set('referrer-policy', 'no-referrer');
  ctx.set('x-frame-options', 'DENY');
  return next();
};

const outageBody = z.strictObject({
  authority: z.enum([...AUTHORITIES, 'register']),
  mode: z.enum(['down', 'slow', 'off']),
});
const nullable = z.strictObject(
  Object.fromEntries(
    Object.entries(outcomesSchema.shape).map(([key, schema]) => [key, schema.unwrap().nullable().optional()]),
  ),
);
const outcomesBody = z.strictObject({ id_number: z.string(), outcomes: nullable });

/** Levers for tests and demonstrations. */
function controls(world: World): Router {
  const router = new Router();
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.post('/outage', (ctx) => {
    const { authority, mode } = bodyOf(ctx, outageBody);
    const authorities: readonly Authority[] =
      authority === 'register' ? ['police', 'entry_exit'] : [authority];
    for (const each of authorities) world.setOutage(each, mode);
    ctx.body = { authority, mode };
  });
  router.post('/outcomes', (ctx) => {
    const { id_number, outcomes } = bodyOf(ctx, outcomesBody);
    const person = world.byDocument(id_number);
    if (!person) return ctx.throw(404, 'no such person');
    world.setOutcomes(person, outcomes as Parameters<World['setOutcomes']>[1]);
    ctx.body = { outcomes: person.outcomes };
  });
  return router;
}
