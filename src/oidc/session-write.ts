import { isDeepStrictEqual } from 'node:util';
import type { SessionRecord } from '../sessions/session-store.ts';

/** A session's expiry may lag this many seconds behind, so that not every single sign-on writes a row. */
const EXPIRY_SLACK = 300;

const lasting = ({ exp: _exp, iat: _iat, jti: _jti, ...rest }: SessionRecord) => rest;

/** Whether writing `record` would store what was read a moment ago. */
export function isRepetition(
  loaded: { id: string; record: SessionRecord } | undefined,
  id: string,
  record: SessionRecord,
): boolean {
  return (
    loaded !== undefined &&
    loaded.id === id &&
    record.exp - loaded.record.exp < EXPIRY_SLACK &&
    isDeepStrictEqual(lasting(plain(record)), lasting(loaded.record))
  );
}

/** As it would be after a round trip through the database: members that are undefined do not exist. */
const plain = (record: SessionRecord): SessionRecord => JSON.parse(JSON.stringify(record)) as SessionRecord;
