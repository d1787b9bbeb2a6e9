import type { Standing } from './ladder.ts';
import { acrOf, LEVELS, type Level, levelOf, maxLevel, minLevel, reaches } from './level.ts';

/** What an authorization request says about levels, and what the client and the resources demand. */
export interface RequestInput {
  /** `acr_values`: space-separated, in order of preference. */
  acrValues?: string | undefined;
  /** The `claims` parameter as it was sent (`oidc.params.claims`): JSON text or an object. */
  claims?: unknown;
  /** The client's `min_acr`; basic when it registers none. */
  clientMinAcr?: Level | undefined;
  /** One floor for each requested resource (and the matter's). */
  resourceFloors?: readonly Level[];
  /** Whether the client may have visitors without an account (`allow_anonymous`). */
  allowAnonymous?: boolean | undefined;
}

export interface AssuranceRequest {
  /** Below this nothing is issued. */
  floor: Level;
  /** Any one of these would please; in the order of the request. */
  preferences: readonly Level[];
  /** The listed values of an essential `acr` request that we know, ascending. */
  essential?: readonly Level[];
  /** An essential `acr` was asked for with no value that we know. */
  unmeetable: boolean;
  /** Anonymous was asked for and nothing else, by a client that may. */
  anonymous: boolean;
}

export type Decision =
  | { kind: 'satisfied'; acr: string; achieved: Level }
  | {
      kind: 'step_up';
      target: Level;
      /** A preference: the page offers "continue without". */
      optional: boolean;
      /** `login`: no login, or none fresh enough for the target; `proofing`: evidence or a live check. */
      needs: 'login' | 'proofing';
    }
  | { kind: 'unmet'; reason: 'no_known_value' | 'out_of_reach'; floor: Level };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseClaims(claims: unknown): Record<string, unknown> {
  if (typeof claims !== 'string') return isRecord(claims) ? claims : {};
  try {
    const parsed: unknown = JSON.parse(claims);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** An own property only: `__proto__` and the like in a request mean nothing. */
const own = (record: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const known = (values: readonly unknown[]): Level[] => [
  ...new Set(values.map(levelOf).filter((level) => level !== undefined)),
];

/** `claims.id_token.acr` (OpenID Connect Core 1.0 §5.5.1.1). The one under `userinfo` is ignored. */
function readAcrClaim(claims: unknown): { essential: boolean; constrained: boolean; levels: Level[] } {
  const idToken = own(parseClaims(claims), 'id_token');
  const acr = isRecord(idToken) ? own(idToken, 'acr') : undefined;
  if (!isRecord(acr)) return { essential: false, constrained: false, levels: [] };
  const value = own(acr, 'value');
  const values = own(acr, 'values');
  return {
    essential: own(acr, 'essential') === true,
    constrained: value !== undefined || values !== undefined,
    levels: known([value, ...(Array.isArray(values) ? (values as unknown[]) : [])]),
  };
}

/**
 * What a request asks of the levels. Never fails: unknown and malformed preferences are ignored, a
 * malformed essential request counts as one with no known value.
 *
 * An essential request without any value only asks for the claim to be there, which it always is.
 */
export function readRequest(input: RequestInput): AssuranceRequest {
  const claim = readAcrClaim(input.claims);
  const listed = known(typeof input.acrValues === 'string' ? input.acrValues.split(' ') : []);
  const essential = claim.essential && claim.constrained ? claim.levels : undefined;
  const preferences = [...new Set([...listed, ...(essential ? [] : claim.levels)])];
  const resources = maxLevel(...(input.resourceFloors ?? []));
  const wanted = [...preferences, ...(essential ?? [])];
  const anonymous =
    input.allowAnonymous === true &&
    wanted.length > 0 &&
    wanted.every((level) => level === 'anonymous') &&
    resources === 'anonymous';
  return {
    floor: maxLevel(
      resources,
      anonymous ? 'anonymous' : (input.clientMinAcr ?? 'basic'),
      essential?.length ? minLevel(...essential) : 'anonymous',
    ),
    preferences,
    ...(essential?.length ? { essential: LEVELS.filter((level) => essential.includes(level)) } : {}),
    unmeetable: essential !== undefined && essential.length === 0,
    anonymous,
  };
}

/**
 * The `acr` that the ID token reports: for an essential request the highest listed value not above the
 * achieved level, otherwise the achieved one. With nothing listed that low, the achieved one.
 */
export function reportedAcr(request: Pick<AssuranceRequest, 'essential'>, achieved: Level): string {
  return acrOf(request.essential?.findLast((level) => reaches(achieved, level)) ?? achieved);
}

/**
 * What to do about a request, given where the session stands.
 *
 * @param accountCan the highest level that this citizen has or could obtain (`reachableLevel`).
 * @param continueWithout the citizen chose to go on without a preferred level; floors stay.
 */
export function decide(input: {
  request: AssuranceRequest;
  standing: Pick<Standing, 'level' | 'loginLevel'>;
  accountCan: Level;
  continueWithout?: boolean;
}): Decision {
  const { request, standing, accountCan, continueWithout = false } = input;
  const achieved = standing.level;
  const stepUp = (target: Level, optional: boolean): Decision => ({
    kind: 'step_up',
    target,
    optional,
    needs: reaches(standing.loginLevel, target) ? 'proofing' : 'login',
  });
  if (request.unmeetable) return { kind: 'unmet', reason: 'no_known_value', floor: request.floor };
  if (!reaches(achieved, request.floor)) {
    if (!reaches(accountCan, request.floor)) {
      return { kind: 'unmet', reason: 'out_of_reach', floor: request.floor };
    }
    return stepUp(request.floor, false);
  }
  const pleased =
    continueWithout ||
    request.preferences.length === 0 ||
    request.preferences.some((level) => reaches(achieved, level));
  const aim = pleased ? undefined : request.preferences.find((level) => reaches(accountCan, level));
  if (aim !== undefined) return stepUp(aim, true);
  return { kind: 'satisfied', acr: reportedAcr(request, achieved), achieved };
}
