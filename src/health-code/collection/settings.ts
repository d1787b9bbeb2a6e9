import { z } from 'zod';
import json from '../../../config/health-code/collection.json' with { type: 'json' };

const count = z.int().positive();
const source = z.string().regex(/^[a-z][a-z_]*$/);

const schema = z.strictObject({
  /** The longest line, in bytes. */
  lineBytes: count,
  /** Rows that are loaded and acknowledged together. */
  chunkRows: count,
  /** Rows of one stream. */
  mostRows: count,
  /** Refused rows after which a stream is given up: then it is the wrong file. */
  mostRefused: count,
  /** How far a source's clock may be ahead of ours. */
  aheadSeconds: count,
  keepDays: z.strictObject({ movements: count, batches: count }),
  /** A batch whose holder was not seen for this long may be sent again. */
  takeOverSeconds: count,
  /** How long a batch waits for the same one that is being loaded. */
  waitSeconds: count,
  /** What the sources that see where people are call it. It colours nobody. */
  movements: z.record(source, z.string().regex(/^[A-Z_]+$/)),
  /** Sources that measure a temperature at the entrance. */
  thermometers: z.array(source),
});

/** `config/health-code/collection.json`, checked. */
export const collectionSettings: Readonly<z.infer<typeof schema>> = schema.parse(json);
