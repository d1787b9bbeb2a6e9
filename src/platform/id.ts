import { randomBytes } from 'node:crypto';

let lastMillisecond = -1;
let sequence = 0;

/**
 * A new identifier: a UUID version 7 in lower case (RFC 9562 §5.7). Ids made by one process within one
 * millisecond ascend (§6.2, method 1), so that rows of one act keep their order and indexes grow at one end.
 */
export function newId(): string {
  const now = Date.now();
  const bytes = randomBytes(16);
  // Half of the counter's range is kept free above its random start.
  sequence = now === lastMillisecond ? sequence + 1 : bytes.readUInt16BE(6) & 0x7ff;
  if (sequence > 0xfff) return newId();
  lastMillisecond = now;
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
