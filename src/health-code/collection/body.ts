import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem } from '../../platform/problem.ts';

const CONTENT_TYPES = new Set(['application/x-ndjson', 'application/ndjson', 'application/jsonl']);
const ENCODINGS: Record<string, (() => Transform) | undefined> = {
  '': undefined,
  identity: undefined,
  gzip: createGunzip,
  'x-gzip': createGunzip,
};
/** A sender that is silent for this long is gone. */
const SILENCE_MS = 60_000;

/** The stream broke off: the connection died, or its compressed form is damaged or incomplete. */
export class BrokenStream extends Error {
  override readonly name = 'BrokenStream';
}

/**
 * The lines of a request, unpacked as they come.
 *
 * @throws Problem 415 `ingest_content_type`, `ingest_encoding`. Reading throws BrokenStream.
 */
export function bodyOf(req: IncomingMessage, silenceMs = SILENCE_MS): AsyncIterable<Buffer> {
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!CONTENT_TYPES.has(type)) throw new Problem('ingest_content_type', 415);
  const encoding = (req.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (!Object.hasOwn(ENCODINGS, encoding)) throw new Problem('ingest_encoding', 415);
  const unpack = ENCODINGS[encoding]?.();
  return readWhole(req, unpack, silenceMs);
}

/**
 * Unlike a pipeline it never destroys the request for what its content does: the sender is to get an answer.
 * What is left unread then is let go by.
 */
async function* readWhole(
  req: IncomingMessage,
  unpack: Transform | undefined,
  silenceMs: number,
): AsyncGenerator<Buffer> {
  req.setTimeout(silenceMs, () => req.destroy(new Error('silent')));
  const stop = (error?: Error) => {
    if (error || !req.complete) unpack?.destroy(error ?? new Error('the request ended early'));
  };
  if (unpack) req.on('error', stop).on('close', stop).pipe(unpack);
  try {
    yield* (unpack ?? req).iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new BrokenStream('the stream broke off', { cause });
  } finally {
    req.setTimeout(0);
    if (unpack) req.unpipe(unpack);
    req.resume();
  }
  // A dead connection ends some streams without an error.
  if (!req.complete) throw new BrokenStream('the request ended early');
}
