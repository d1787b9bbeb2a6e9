import { REDIRECT_CHECKS, type RedirectCheckKind } from '../../src/authorities/redirect-check.ts';
import type { Person } from '../people/person.ts';
import { isPerson, newReference, type World } from './world.ts';

export type Purpose = 'raise_level' | 'recovery' | 'registration';
export type Action = 'pass' | 'fail' | 'cancel' | 'later';

/** One visit of a person to an authority's pages. */
export interface Check {
  readonly kind: RedirectCheckKind;
  readonly purpose: Purpose;
  readonly reference: string;
  readonly name: string;
  readonly idNumber: string;
  readonly returnTo: string;
  readonly state: string;
  readonly startedAt: Date;
  readonly person: Person | undefined;
  /** The person has gone back without a decision. */
  left: boolean;
  decision?: Decision;
}

export interface Decision {
  outcome: 'passed' | 'failed' | 'cancelled';
  reason?: string;
  /** Whom the authority found; somebody else's account gives somebody else. */
  name: string;
  idNumber: string;
  /** May lie ahead: until then the result is pending. */
  at: Date;
  live: boolean;
}

/** How long the slow comparison of a person with outcome `pending` takes. */
const PENDING_MS = 60_000;
const STRANGER = { name: '马他人', idNumber: '390100197001010013' };
const FAILURES: Record<RedirectCheckKind, string> = {
  face: 'not_alike',
  alipay: 'not_verified',
  live_face: 'not_live',
  voiceprint: 'not_alike',
  video: 'refused_by_officer',
  counter: 'refused_by_officer',
};

export interface Checks {
  start(
    kind: RedirectCheckKind,
    asked: Pick<Check, 'purpose' | 'name' | 'idNumber' | 'returnTo' | 'state'>,
  ): Check;
  find(reference: string): Check | undefined;
  /** What an officer decides, video calls and visits to a counter, newest first. */
  calls(): Check[];
  /** What the first button does: the preset of this person. */
  preset(check: Check): Action;
  /** Decides once; later presses change nothing, except that an officer may decide after the person left. */
  act(check: Check, action: Action): void;
}

export const isCheckKind = (text: string): text is RedirectCheckKind =>
  (REDIRECT_CHECKS as readonly string[]).includes(text);

/** Where the browser goes back to, without any word on how it went. */
export function wayBack(check: Check): string {
  const url = new URL(check.returnTo);
  url.searchParams.set('state', check.state);
  url.searchParams.set('reference', check.reference);
  return url.href;
}

export function createChecks(world: World): Checks {
  const checks = new Map<string, Check>();
  const tries = new Map<string, number>();
  const triesKey = (check: Check) => `${check.kind} ${check.idNumber}`;

  function preset(check: Check): Action {
    // Nobody decides at a counter about themselves.
    if (check.kind === 'counter') return check.person?.outcomes.counter === 'refused' ? 'fail' : 'later';
    switch (check.person?.outcomes[check.kind]) {
      case 'failed':
      case 'refused':
        return 'fail';
      case 'fail_once':
        return tries.has(triesKey(check)) ? 'pass' : 'fail';
      case 'cancelled':
        return 'cancel';
      case 'later':
        return 'later';
      default:
        return 'pass';
    }
  }

  /** A person who is set to fail fails, whichever button was pressed. */
  const forced = (check: Check) =>
    !isPerson(check.person, check.name) || preset(check) === 'fail' ? 'fail' : undefined;

  function decide(check: Check, action: 'pass' | 'fail' | 'cancel'): Decision {
    const { kind, name, idNumber, person, left } = check;
    const now = new Date();
    const live = kind === 'live_face' || kind === 'voiceprint' || (kind === 'video' && !left);
    const base = { name, idNumber, at: now, live };
    if (action === 'cancel') return { ...base, outcome: 'cancelled', reason: 'cancelled_by_person' };
    if ((forced(check) ?? action) === 'fail') {
      return { ...base, outcome: 'failed', reason: person ? FAILURES[kind] : 'unknown_person' };
    }
    const outcome = person?.outcomes[kind];
    if (outcome === 'mismatch') return { ...base, ...STRANGER, outcome: 'passed' };
    const at = outcome === 'pending' ? new Date(now.getTime() + PENDING_MS) : now;
    return { ...base, at, outcome: 'passed' };
  }

  return {
    start(kind, asked) {
      const check: Check = {
        ...asked,
        kind,
        reference: newReference(kind),
        startedAt: new Date(),
        person: world.byDocument(asked.idNumber),
        left: false,
      };
      checks.set(check.reference, check);
      return check;
    },
    find: (reference) => checks.get(reference),
    calls: () => [...checks.values()].filter(({ kind }) => kind === 'video' || kind === 'counter').reverse(),
    preset,
    act(check, action) {
      if (check.decision) return;
      if (action === 'later') {
        check.left = true;
        return;
      }
      check.decision = decide(check, action);
      if (check.decision.outcome !== 'cancelled') {
        tries.set(triesKey(check), (tries.get(triesKey(check)) ?? 0) + 1);
      }
    },
  };
}
