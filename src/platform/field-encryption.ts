import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from 'node:crypto';

export interface MasterKeys {
  /** The id of the key that wraps and seals from now on. */
  current: string;
  /** Every key that may still be needed to open something: 32 bytes each. */
  keys: Readonly<Record<string, Buffer>>;
  /** Key of the blind indexes, 32 bytes. It cannot be rotated without rewriting every index. */
  indexKey: Buffer;
}

/** One person's key, opened. `purpose` names the column, so that a value moved to another column is refused. */
export interface PersonKey {
  seal(purpose: string, text: string): Buffer;
  /** Throws when the value was sealed for another purpose or person, or was changed. */
  unseal(purpose: string, sealed: Buffer): string;
}

export interface Cipher {
  /** A fresh key for `owner`, wrapped by the current master key. */
  newPersonKey(owner: string): { wrapped: Buffer };
  open(wrapped: Buffer, owner: string): PersonKey;
  /** The same person key wrapped by the current master key, or `undefined` when it already is. */
  rewrap(wrapped: Buffer, owner: string): Buffer | undefined;
  /** Seals what belongs to no person (yet): outbox rows, drafts. `owner` is the row's own id. */
  sealShared(purpose: string, owner: string, text: string): Buffer;
  unsealShared(purpose: string, owner: string, sealed: Buffer): string;
  /** The same value sealed by the current master key, or `undefined` when it already is. */
  resealShared(purpose: string, owner: string, sealed: Buffer): Buffer | undefined;
  /** What everything begins with that the current master key wrapped or sealed. */
  readonly currentHeader: Buffer;
  /** What equal values are found by: HMAC-SHA256 of kind and value. Normalise the value first. */
  blindIndex(kind: string, normalised: string): Buffer;
}

const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

const associated = (...parts: string[]) => Buffer.from(JSON.stringify(parts));

function encrypt(key: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(aad);
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, aad: Buffer, sealed: Buffer): Buffer {
  if (sealed.length < IV_BYTES + TAG_BYTES) throw new RangeError('a sealed value is too short');
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(aad)
    .setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
}

/** `version | length of key id | key id` stands before everything that a master key made. */
const header = (keyId: string) => Buffer.concat([Buffer.from([VERSION, keyId.length]), Buffer.from(keyId)]);

function splitHeader(value: Buffer): { keyId: string; body: Buffer } {
  if (value[0] !== VERSION) throw new RangeError(`unknown version ${value[0]} of a sealed value`);
  const end = 2 + (value[1] ?? 0);
  return { keyId: value.subarray(2, end).toString(), body: value.subarray(end) };
}

/**
 * Field encryption: AES-256-GCM under a key per person, that key wrapped by a master key; purpose and owner are
 * associated data (NIST SP 800-38D). Several master keys may be known at once; the current one wraps, so that a
 * master key is rotated by adding one, making it current, rewrapping row by row, and removing the old one.
 */
export function createCipher({ current, keys, indexKey }: MasterKeys): Cipher {
  for (const [id, key] of [...Object.entries(keys), ['index key', indexKey] as const]) {
    if (key.length !== KEY_BYTES) throw new RangeError(`master key ${id} must be ${KEY_BYTES} bytes`);
  }
  if (!Object.hasOwn(keys, current))
    throw new RangeError(`the current master key ${current} is not among the keys`);
  const derived = new Map<string, Buffer>();
  // Made once: making it of the bytes each time costs several times the hash itself.
  const indexSecret = createSecretKey(indexKey);
  const derive = (keyId: string, use: 'wrap' | 'shared'): Buffer => {
    const master = keys[keyId];
    if (!master) throw new RangeError(`master key ${keyId} is needed and not configured`);
    const name = `${use}:${keyId}`;
    let key = derived.get(name);
    if (!key) {
      key = Buffer.from(hkdfSync('sha256', master, '', `yimatong ${use}`, KEY_BYTES));
      derived.set(name, key);
    }
    return key;
  };
  const wrap = (owner: string, personKey: Buffer) =>
    Buffer.concat([
      header(current),
      encrypt(derive(current, 'wrap'), associated('person-key', owner), personKey),
    ]);
  const unwrap = (wrapped: Buffer, owner: string) => {
    const { keyId, body } = splitHeader(wrapped);
    return { keyId, personKey: decrypt(derive(keyId, 'wrap'), associated('person-key', owner), body) };
  };

  const sealShared = (purpose: string, owner: string, text: string) =>
    Buffer.concat([
      header(current),
      encrypt(derive(current, 'shared'), associated(purpose, owner), Buffer.from(text)),
    ]);
  const unsealShared = (purpose: string, owner: string, sealed: Buffer) => {
    const { keyId, body } = splitHeader(sealed);
    return decrypt(derive(keyId, 'shared'), associated(purpose, owner), body).toString();
  };

  return {
    newPersonKey: (owner) => ({ wrapped: wrap(owner, randomBytes(KEY_BYTES)) }),
    open(wrapped, owner) {
      const { personKey } = unwrap(wrapped, owner);
      return {
        seal: (purpose, text) =>
          Buffer.concat([
            Buffer.from([VERSION]),
            encrypt(personKey, associated(purpose, owner), Buffer.from(text)),
          ]),
        unseal(purpose, sealed) {
          if (sealed[0] !== VERSION) throw new RangeError(`unknown version ${sealed[0]} of a sealed value`);
          return decrypt(personKey, associated(purpose, owner), sealed.subarray(1)).toString();
        },
      };
    },
    rewrap(wrapped, owner) {
      const { keyId, personKey } = unwrap(wrapped, owner);
      return keyId === current ? undefined : wrap(owner, personKey);
    },
    sealShared,
    unsealShared,
    resealShared: (purpose, owner, sealed) =>
      splitHeader(sealed).keyId === current
        ? undefined
        : sealShared(purpose, owner, unsealShared(purpose, owner, sealed)),
    currentHeader: header(current),
    blindIndex: (kind, normalised) =>
      createHmac('sha256', indexSecret).update(associated(kind, normalised)).digest(),
  };
}
