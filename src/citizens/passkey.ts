import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Queryable } from '../platform/database.ts';
import { lifetimes } from '../platform/lifetimes.ts';
import { Problem } from '../platform/problem.ts';
import type { BoundLevel } from './bound-level.ts';
import { issueChallenge, takeChallenge } from './passkey-challenge.ts';

/** Loaded at its first use: it brings 300 modules of certificate formats, for which every start would wait. */
const webauthn = () => import('@simplewebauthn/server');

/** Passkeys of one citizen. */
export const PASSKEY_MAX = 10;

export interface RelyingParty {
  /** The issuer's host name. */
  id: string;
  name: string;
  /** The issuer's origin. */
  origin: string;
}

/** The relying party that an issuer is (WebAuthn Level 3, 5.1.2): host name without port, and origin. */
export function relyingPartyOf(issuer: string, name: string): RelyingParty {
  const { hostname, origin } = new URL(issuer);
  return { id: hostname, name, origin };
}

/** The user handle is the citizen's id in 16 bytes: it tells nothing about the person (WebAuthn 14.6.1). */
const userHandle = (citizenId: string) => new Uint8Array(Buffer.from(citizenId.replaceAll('-', ''), 'hex'));

function citizenOf(handle: string | undefined): string | undefined {
  const hex = Buffer.from(handle ?? '', 'base64url').toString('hex');
  if (hex.length !== 32) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Options for `navigator.credentials.create`: discoverable, with user verification, not one that exists. */
export async function startPasskeyEnrolment(
  tx: Queryable,
  party: RelyingParty,
  input: { citizenId: string; context: string; userName: string; displayName: string; now: Date },
) {
  const known = await tx.query<{ id: string; transports: string[] }>(
    'select id, transports from passkeys where citizen_id = $1',
    [input.citizenId],
  );
  const challenge = await issueChallenge(tx, { ...input, purpose: 'enrol' });
  const { generateRegistrationOptions } = await webauthn();
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userID: userHandle(input.citizenId),
    userName: input.userName,
    userDisplayName: input.displayName,
    challenge: Buffer.from(challenge, 'base64url'),
    timeout: lifetimes.passkeyChallenge * 1000,
    attestationType: 'none',
    excludeCredentials: known,
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
}

/**
 * Keeps a new passkey.
 *
 * @param boundLevel the account level now.
 * @returns its id, or `undefined` when the answer does not hold or its challenge is used or expired.
 * @throws Problem `too_many_credentials` 409.
 */
export async function finishPasskeyEnrolment(
  tx: Queryable,
  party: RelyingParty,
  input: {
    citizenId: string;
    context: string;
    response: RegistrationResponseJSON;
    label: string;
    boundLevel: BoundLevel;
    now: Date;
  },
): Promise<string | undefined> {
  const { citizenId, context, response, now } = input;
  const { clientDataJSON } = response.response;
  const taken = await takeChallenge(tx, { purpose: 'enrol', context, clientDataJSON, now });
  if (taken?.citizenId !== citizenId) return undefined;
  const { verifyRegistrationResponse } = await webauthn();
  const verified = await verifyRegistrationResponse({
    response,
    expectedChallenge: taken.challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    requireUserVerification: true,
  }).catch(() => undefined);
  if (!verified?.registrationInfo) return undefined;
  const { credential, credentialDeviceType } = verified.registrationInfo;
  // Enrolments of one account wait for one another, so that two at once cannot be one too many.
  await tx.query('select 1 from accounts where citizen_id = $1 for update', [citizenId]);
  const kept = await tx.query(
    `insert into passkeys (citizen_id, id, public_key, counter, transports, synced, label, bound_level, created_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9
     where (select count(*) from passkeys where citizen_id = $1) < $10
     on conflict (citizen_id, id) do nothing returning id`,
    [
      citizenId,
      credential.id,
      Buffer.from(credential.publicKey),
      credential.counter,
      credential.transports ?? [],
      credentialDeviceType === 'multiDevice',
      input.label,
      input.boundLevel,
      now,
      PASSKEY_MAX,
    ],
  );
  if (kept.length === 0) throw new Problem('too_many_credentials', 409, { max: PASSKEY_MAX });
  return credential.id;
}

/** Options for `navigator.credentials.get`: any discoverable passkey of this site, with user verification. */
export async function startPasskeyLogin(
  db: Queryable,
  party: RelyingParty,
  input: { context: string; now: Date },
) {
  const challenge = await issueChallenge(db, { ...input, purpose: 'login' });
  const { generateAuthenticationOptions } = await webauthn();
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: Buffer.from(challenge, 'base64url'),
    timeout: lifetimes.passkeyChallenge * 1000,
    userVerification: 'required',
  });
}

export interface PasskeyLogin {
  citizenId: string;
  credentialId: string;
  boundLevel: BoundLevel;
  userVerified: boolean;
  /** The key never leaves its device (`hwk`); otherwise it is synchronised (`swk`, RFC 8176). */
  hardware: boolean;
}

/**
 * Checks an answer and uses up its challenge. A signature counter must go up, in one statement; authenticators
 * without one stay at 0 (WebAuthn 7.2 step 22).
 *
 * @param citizenId refuses everybody else's passkeys, for step-up and re-authentication.
 * @returns who it is, or `undefined` when anything does not hold; commit all the same.
 */
export async function finishPasskeyLogin(
  tx: Queryable,
  party: RelyingParty,
  input: { context: string; response: AuthenticationResponseJSON; citizenId?: string; now: Date },
): Promise<PasskeyLogin | undefined> {
  const { response, context, now } = input;
  const { clientDataJSON, userHandle: handle } = response.response;
  const taken = await takeChallenge(tx, { purpose: 'login', context, clientDataJSON, now });
  const citizenId = citizenOf(handle) ?? input.citizenId;
  if (!taken || citizenId === undefined) return undefined;
  if (input.citizenId !== undefined && input.citizenId !== citizenId) return undefined;
  const [passkey] = await tx.query<{ public_key: Buffer; counter: number }>(
    'select public_key, counter from passkeys where citizen_id = $1 and id = $2',
    [citizenId, response.id],
  );
  if (!passkey) return undefined;
  const { verifyAuthenticationResponse } = await webauthn();
  const verified = await verifyAuthenticationResponse({
    response,
    expectedChallenge: taken.challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    credential: {
      id: response.id,
      publicKey: new Uint8Array(passkey.public_key),
      counter: passkey.counter,
    },
    requireUserVerification: true,
  }).catch(() => undefined);
  if (!verified?.verified) return undefined;
  const { newCounter, userVerified } = verified.authenticationInfo;
  const [used] = await tx.query<{ bound_level: BoundLevel; synced: boolean }>(
    `update passkeys set counter = $3, last_used_at = $4
     where citizen_id = $1 and id = $2 and (counter < $3 or (counter = 0 and $3 = 0))
     returning bound_level, synced`,
    [citizenId, response.id, newCounter, now],
  );
  if (!used) return undefined;
  return {
    citizenId,
    credentialId: response.id,
    boundLevel: used.bound_level,
    userVerified,
    hardware: !used.synced,
  };
}
