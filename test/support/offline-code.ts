import type { Attestation } from '../../src/health-code/wire/attestation.js';
import { writeAttestation } from '../../src/health-code/wire/attestation.js';
import { exportPoint, newDeviceKey } from '../../src/health-code/wire/cose.js';
import { toBase64Url } from '../../src/health-code/wire/jws.js';
import { writeOfflineCode } from '../../src/health-code/wire/offline-code.js';
import type { StatusList } from '../../src/health-code/wire/status-list.js';
import { isRevoked, LIST_SIZE } from '../../src/health-code/wire/status-list.js';
import { type Verifier, verifyOfflineCode } from '../../src/health-code/wire/verify.js';

export const AT = 1_795_000_000;

/** A province with one key, a phone with an attestation of it, and a door that knows the province. */
export async function offlineWorld(attested: Partial<Attestation> = {}) {
  const province = { ...(await newDeviceKey()), kid: crypto.getRandomValues(new Uint8Array(8)) };
  const phone = await newDeviceKey();
  const signer = { key: province.privateKey, kid: province.kid };
  const attestation = await writeAttestation(
    {
      colour: 'GREEN',
      region: '390000',
      exp: AT + 86_400,
      status: 5,
      name: '张**',
      lastTwo: '4X',
      device: await exportPoint(phone.publicKey),
      ...attested,
    },
    signer,
  );
  const shown = new Set<string>();
  const list: StatusList = { list: 0, at: AT - 60, bytes: new Uint8Array(LIST_SIZE / 8) };
  const door: Verifier = {
    keys: new Map([[toBase64Url(province.kid), province.publicKey]]),
    region: '390000',
    revoked: (status) => isRevoked([list], status),
    revokedAge: 60,
    now: AT,
    first: (digest) => !shown.has(digest) && shown.add(digest).size > 0,
  };
  return {
    door,
    list,
    attestation,
    phone,
    signer,
    show: (time = AT, nonce?: string) => writeOfflineCode({ attestation, time, nonce }, phone.privateKey),
    check: (code: string, more: Partial<Verifier> = {}) => verifyOfflineCode(code, { ...door, ...more }),
  };
}
