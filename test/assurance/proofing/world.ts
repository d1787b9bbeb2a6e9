import { startAuthorities } from '../../../sandbox/authorities/server.ts';
import { loadPeople, type Person } from '../../../sandbox/people/person.ts';
import type { Level } from '../../../src/assurance/level.ts';
import { browserHashOf, type ProofingDeps } from '../../../src/assurance/proofing/flow.ts';
import { createMethods } from '../../../src/assurance/proofing/method.ts';
import { recordEvidence, recordProof } from '../../../src/assurance/store.ts';
import { createCards } from '../../../src/authorities/cards.ts';
import { createRedirectCheck } from '../../../src/authorities/redirect-check.ts';
import type { Database } from '../../../src/platform/database.ts';
import { newId } from '../../../src/platform/id.ts';

export const RETURN_TO = 'http://id.test/proofing/callback';
export const BROWSER = browserHashOf('this browser');
export const OTHER_BROWSER = browserHashOf('another browser');
export const INTERACTION = 'interaction-0001';
export const SESSION = 'session-00000001';

const people = loadPeople();
/** Somebody of `sandbox/people.json`, by user name. */
export function personOf(username: string): Person {
  const person = people.find((one) => one.username === username);
  if (person === undefined) throw new Error(`nobody is called ${username}`);
  return person;
}

/** The outside world, and what the flow needs to speak to it. */
export async function startWorld(db: Database) {
  const authorities = await startAuthorities({ port: 0, people });
  const citizens = new Map<string, Person>();
  const deps: ProofingDeps = {
    db,
    methods: createMethods({
      redirectCheck: createRedirectCheck(authorities.url, fetch, [authorities.url], { timeoutMs: 1_000 }),
      cards: createCards(authorities.url, fetch, { timeoutMs: 1_000 }),
    }),
    now: () => new Date(),
    returnTo: RETURN_TO,
    openSeconds: 3_600,
    async readSubject(citizenId) {
      const person = citizens.get(citizenId);
      return person && { name: person.name, idNumber: person.id_number };
    },
  };
  return {
    authorities,
    deps,
    /** A citizen at a level, logged in by password and code in `SESSION`. */
    async citizen(username: string, level: Level = 'basic', boundLevel: Level = level): Promise<string> {
      const citizenId = newId();
      citizens.set(citizenId, personOf(username));
      const methods = (
        [
          ['register', 'police', 'basic'],
          ['carrier', 'carrier', 'basic'],
          ['alipay', 'alipay', 'intermediate'],
          ['video', 'video', 'advanced'],
        ] as const
      ).slice(0, level === 'basic' ? 2 : level === 'intermediate' ? 3 : 4);
      const at = new Date();
      for (const [method, source] of methods) {
        await recordEvidence(db, { citizenId, method, source, transactionId: `${method}-${citizenId}`, at });
      }
      for (const method of ['password', 'sms'] as const) {
        await recordProof(db, {
          citizenId,
          interactionUid: 'login-interaction',
          sessionUid: SESSION,
          method,
          at,
          boundLevel,
        });
      }
      return citizenId;
    },
  };
}

/** What a browser does at an authority: presses a button there and is sent back. */
export async function press(redirectTo: string, action: 'pass' | 'fail' | 'cancel' | 'later') {
  const response = await fetch(redirectTo, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ action }),
  });
  const back = new URL(response.headers.get('location') ?? '');
  return { state: back.searchParams.get('state') ?? '', reference: back.searchParams.get('reference') ?? '' };
}
