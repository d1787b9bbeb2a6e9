import { randomBytes } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { recordAccess } from '../../audit/access-log.ts';
import { record } from '../../audit/log.ts';
import type { DocumentType } from '../../citizens/identifiers.ts';
import type { Database } from '../../platform/database.ts';
import type { Outbound } from '../../platform/outbound.ts';
import { Problem } from '../../platform/problem.ts';
import { rememberOnce } from '../../sessions/replay-store.ts';
import { decideFor } from '../decide.ts';
import { healthSettings } from '../settings.ts';
import type { HealthKeys } from '../show/keys.ts';
import type { Peer, Peers } from './peers.ts';
import { monthOf, pidOf } from './pid.ts';
import { openSigned, sign } from './signed.ts';

/** What one province tells another about one person: no reasons, and grey is as good as unknown. */
export type GreenAnswer = 'GREEN' | 'NOT_GREEN' | 'NOT_FOUND';

/** How long a question and its answer are good. Seconds. */
export const GREEN_SECONDS = 300;
/** A door does not wait longer, whatever the answer waits for: the other province, or its keys. */
export const PATIENCE_MS = 800;
export const GREEN_PATH = '/health/exchange/green';
export const JWT_TYPE = 'application/jwt';

const query = z.object({
  iss: z.string(),
  jti: z.string().min(16).max(100),
  iat: z.int(),
  exp: z.int(),
  month: z.string().regex(/^\d{4}-\d{2}$/),
  pid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});

const answerSchema = z.object({ nonce: z.string(), result: z.enum(['GREEN', 'NOT_GREEN', 'NOT_FOUND']) });

export interface GreenDeps {
  peers: Peers;
  keys: HealthKeys;
  /** Public keys of a peer. */
  keysOf: (peer: Peer) => JWTVerifyGetKey;
  now: Date;
}

interface AskDeps extends GreenDeps {
  patienceMs: number;
}

interface Asked {
  issuer: string;
  documentType: DocumentType;
  idNumber: string;
}

const seconds = (at: Date) => Math.floor(at.getTime() / 1_000);

/**
 * Asks the province of a visitor whether their code is green.
 *
 * @returns its answer, or `UNKNOWN` when it gives none in time or none that is genuine: then a person looks.
 */
export async function askGreen(
  outbound: Outbound,
  deps: AskDeps,
  who: Asked,
): Promise<GreenAnswer | 'UNKNOWN'> {
  let clock: NodeJS.Timeout | undefined;
  const late = new Promise<'UNKNOWN'>((resolve) => {
    clock = setTimeout(resolve, deps.patienceMs, 'UNKNOWN');
  });
  const asking = ask(outbound, deps, who);
  return Promise.race([asking, late]).finally(() => clearTimeout(clock));
}

async function ask(
  outbound: Outbound,
  { peers, keys, keysOf, now, patienceMs }: AskDeps,
  who: Asked,
): Promise<GreenAnswer | 'UNKNOWN'> {
  const peer = peers.peers.get(who.issuer);
  const month = monthOf(now);
  const key = peers.monthKeys.get(month);
  if (!peer || !key) return 'UNKNOWN';
  const nonce = randomBytes(16).toString('base64url');
  const token = await sign(
    keys,
    'hc-green-query+jwt',
    {
      iss: peers.issuer,
      aud: peer.issuer,
      iat: seconds(now),
      exp: seconds(now) + GREEN_SECONDS,
      jti: nonce,
      month,
      pid: pidOf(key, who.documentType, who.idNumber).toString('base64url'),
    },
    now,
  );
  try {
    const response = await outbound(new URL(GREEN_PATH, peer.url), {
      method: 'POST',
      headers: { 'content-type': JWT_TYPE, accept: JWT_TYPE },
      body: token,
      signal: AbortSignal.timeout(patienceMs),
    });
    if (!response.ok) return 'UNKNOWN';
    const claims = await openSigned(await response.text(), 'hc-green-answer+jwt', keysOf(peer), {
      issuer: peer.issuer,
      audience: peers.issuer,
      now,
      maxAgeSeconds: GREEN_SECONDS,
    });
    const answer = answerSchema.parse(claims);
    return answer.nonce === nonce ? answer.result : 'UNKNOWN';
  } catch {
    // Whatever went wrong at the other end, or on the way: it is no answer, and never a red one.
    return 'UNKNOWN';
  }
}

/**
 * Answers another province's question, once a question, and writes it into the citizen's access log.
 *
 * @returns the signed answer.
 * @throws Problem `health_query_refused` 400 for a question that is not signed by a peer, not for us, too old, or
 * was asked before.
 */
export async function answerGreen(
  db: Database,
  { peers, keys, keysOf, now }: GreenDeps,
  token: string,
): Promise<string> {
  const asked = await openQuery(db, { peers, keysOf, now }, token);
  const result = await db.transaction(async (tx): Promise<GreenAnswer> => {
    const [person] = await tx.query<{ citizen_id: string }>(
      'select citizen_id from health_pids where pid = $1 and month = $2',
      [Buffer.from(asked.pid, 'base64url'), asked.month],
    );
    if (!person) return 'NOT_FOUND';
    const { colour } = await decideFor(tx, person.citizen_id, now);
    await recordAccess(tx, {
      citizenId: person.citizen_id,
      clientId: `province:${asked.iss.slice(0, 2)}`,
      what: ['health_green'],
      purpose: healthSettings.purpose,
      at: now,
    });
    await record(tx, {
      type: 'health.green_answered',
      citizenId: person.citizen_id,
      actor: 'system',
      at: now,
    });
    if (colour === 'GREY') return 'NOT_FOUND';
    return colour === 'GREEN' ? 'GREEN' : 'NOT_GREEN';
  });
  return sign(
    keys,
    'hc-green-answer+jwt',
    {
      iss: peers.issuer,
      aud: asked.iss,
      iat: seconds(now),
      exp: seconds(now) + GREEN_SECONDS,
      nonce: asked.jti,
      result,
    },
    now,
  );
}

async function openQuery(
  db: Database,
  { peers, keysOf, now }: Omit<GreenDeps, 'keys'>,
  token: string,
): Promise<z.infer<typeof query>> {
  const refused = (cause?: unknown) => new Problem('health_query_refused', 400, {}, { cause });
  const peer = peers.peers.get(String(issuerOf(token)));
  if (!peer) throw refused();
  const claims = await openSigned(token, 'hc-green-query+jwt', keysOf(peer), {
    issuer: peer.issuer,
    audience: peers.issuer,
    now,
    maxAgeSeconds: GREEN_SECONDS,
  }).catch((cause: unknown) => {
    throw refused(cause);
  });
  const parsed = query.safeParse(claims);
  if (!parsed.success || parsed.data.exp - parsed.data.iat > GREEN_SECONDS) throw refused();
  const { jti, iss, exp } = parsed.data;
  if (!(await rememberOnce(db, `health-query ${iss} ${jti}`, new Date(exp * 1_000), now))) throw refused();
  return parsed.data;
}

/** Who says to have signed a token: only to know whose keys to check it with. */
export function issuerOf(token: string): unknown {
  try {
    const [, body = ''] = token.split('.');
    return (JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { iss?: unknown }).iss;
  } catch {
    return undefined;
  }
}
