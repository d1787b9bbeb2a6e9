import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();
const FLAGS = { present: 0x01, verified: 0x04, backupEligible: 0x08, attested: 0x40 };

export interface AuthenticatorOptions {
  rpId: string;
  origin: string;
  /** Whether the person is verified (PIN, fingerprint). */
  verifies?: boolean;
  /** A synchronised passkey, without a counter. */
  synced?: boolean;
}

/** A platform authenticator in software, with one discoverable P-256 key (WebAuthn Level 3, section 6). */
export function createAuthenticator({ rpId, origin, verifies = true, synced = false }: AuthenticatorOptions) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const id = randomBytes(16);
  let counter = 0;
  let userHandle = '';

  const authData = (more: number) => {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(synced ? 0 : ++counter);
    const flags =
      FLAGS.present | (verifies ? FLAGS.verified : 0) | (synced ? FLAGS.backupEligible : 0) | more;
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), count]);
  };
  const clientData = (type: string, challenge: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const credential = {
    id: id.toString('base64url'),
    rawId: id.toString('base64url'),
    type: 'public-key' as const,
    clientExtensionResults: {},
  };

  return {
    id: credential.id,
    /** Sets the counter back, as a cloned authenticator's would be. */
    rewind(to: number) {
      counter = to;
    },
    /** `navigator.credentials.create` */
    create(options: { challenge: string; user: { id: string } }) {
      userHandle = options.user.id;
      const key = new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, new Uint8Array(Buffer.from(x!, 'base64url'))],
        [-3, new Uint8Array(Buffer.from(y!, 'base64url'))],
      ]);
      const attested = Buffer.concat([
        authData(FLAGS.attested),
        Buffer.alloc(16),
        Buffer.from([0, id.length]),
        id,
        isoCBOR.encode(key),
      ]);
      const attestation = new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', new Uint8Array(attested)],
      ]);
      return {
        ...credential,
        response: {
          clientDataJSON: clientData('webauthn.create', options.challenge).toString('base64url'),
          attestationObject: Buffer.from(
            isoCBOR.encode(attestation as Parameters<typeof isoCBOR.encode>[0]),
          ).toString('base64url'),
        },
      };
    },
    /** `navigator.credentials.get` */
    get(options: { challenge: string }) {
      const data = authData(0);
      const client = clientData('webauthn.get', options.challenge);
      return {
        ...credential,
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: data.toString('base64url'),
          signature: sign('sha256', Buffer.concat([data, sha256(client)]), privateKey).toString('base64url'),
          userHandle,
        },
      };
    },
  };
}
