import { accountLevel } from '../assurance/ladder.ts';
import { readEvidence } from '../assurance/store.ts';
import { everHadGuardian } from '../citizens/guardianship.ts';
import type { Queryable } from '../platform/database.ts';
import type { Day } from './engine/civil-day.ts';
import { dayOf, hours } from './engine/civil-day.ts';
import type { Checkin, Evidence, HealthInput, Level, Override, Release } from './engine/types.ts';
import { PUT_INTO_FORCE, type PutIntoForce } from './rules-in-force.ts';
import { healthSettings } from './settings.ts';

/** A citizen who has declared: `health_people`. */
export interface Person {
  citizenId: string;
  subject: Buffer;
  levelEver: Level;
  colour: string | undefined;
  reasons: string[] | undefined;
  ruleSet: string | undefined;
  decisionId: string | undefined;
  nextEvalAt: Date | undefined;
}

export interface Facts {
  person: Person;
  input: HealthInput;
  /** The same as it was known at an earlier instant, in milliseconds: for transitions that are caught up with. */
  inputAt(at: number): HealthInput;
  /** The rule sets that were put into force, oldest first. */
  putIntoForce: readonly PutIntoForce[];
}

/** When a row became known to us, or stopped to count: the engine does not look at it, catching up does. */
interface Known {
  knownAt: number;
}

/** What SQL's null becomes. */
type Nullable<T> = { [K in keyof T]: T[K] | null };

export interface FactsRow {
  citizen_id: string;
  subject: Buffer;
  level_ever: Level;
  colour: string | null;
  reasons: string[] | null;
  rule_set: string | null;
  decision_id: string | null;
  next_eval_at: Date | null;
  put_into_force: PutIntoForce[];
  evidence: Nullable<Evidence & Known & { revokedAt: number }>[];
  checkins: Nullable<Checkin>[];
  releases: (Release & Known)[];
  orders: Nullable<Override & Known>[];
  sources: { source: string; receivedAt: number }[];
  outage_days: { day: Day; knownAt: number }[];
}

// Not `extract`, which reckons in `numeric` and takes three times as long.
export const ms = (column: string) => `(date_part('epoch', ${column}) * 1000)::bigint`;

export const OUTAGE_DAYS = `
  select coalesce(json_agg(json_build_object(
    'day', d.day - date '1970-01-01', 'knownAt', ${ms('d.recorded_at')}) order by d.day), '[]')
  from health_outage_days d`;

// One round trip, because every look at a code recomputes it. Rows come in the order of their ids, so that
// the same facts have the same hash.
const FACTS = `
  select p.citizen_id, p.subject, p.level_ever, p.colour, p.reasons, p.rule_set, p.decision_id, p.next_eval_at,
    (${PUT_INTO_FORCE}) as put_into_force,
    (select coalesce(json_agg(json_build_object(
         'id', e.id, 'type', e.type, 'source', e.source, 'at', ${ms('e.at')}, 'purpose', e.purpose,
         'dischargedAt', ${ms('e.discharged_at')}, 'revokedAt', ${ms('e.revoked_at')},
         'knownAt', ${ms('e.received_at')},
         'phoneOwnerVerified', e.phone_owner_verified, 'appealAt', ${ms('e.appeal_at')},
         'appealDecision', e.appeal_decision, 'supersededBy', ${ms('e.superseded_at')}) order by e.id), '[]')
       from health_evidence e where e.subject = p.subject and not e.late) as evidence,
    (select coalesce(json_agg(json_build_object(
         'at', ${ms('c.at')}, 'temp', c.temp / 10.0, 'symptoms', c.symptoms) order by c.id), '[]')
       from health_checkins c where c.citizen_id = p.citizen_id and not exists (
         select from health_checkin_voids v where v.citizen_id = c.citizen_id and v.checkin_id = c.id)) as checkins,
    (select coalesce(json_agg(json_build_object(
         'at', ${ms('r.at')}, 'source', r.source, 'knownAt', ${ms('r.received_at')}) order by r.id), '[]')
       from health_releases r
       where r.subject = p.subject and r.revoked_at is null) as releases,
    (select coalesce(json_agg(json_build_object(
         'id', o.id, 'colour', o.colour, 'purpose', o.purpose, 'approver1', o.approver1,
         'approver2', o.approver2, 'orgType', o.org_type, 'evidenceId', o.evidence_id,
         'from', ${ms('o.valid_from')}, 'to', ${ms('o.valid_to')},
         'knownAt', ${ms('coalesce(o.decided_at, o.requested_at)')}) order by o.id), '[]')
       from health_order_subjects s join health_orders o on o.id = s.order_id and o.state = 'approved'
       where s.subject = p.subject and s.lifted_at is null) as orders,
    (select coalesce(json_agg(json_build_object('source', h.source, 'receivedAt', ${ms('h.received_at')})
         order by h.source), '[]') from health_sources h) as sources,
    (${OUTAGE_DAYS}) as outage_days
  from health_people p where p.citizen_id = $2`;

/**
 * Everything the engine looks at for one citizen, in one round trip; undefined for somebody who never
 * declared.
 */
export async function loadFacts(db: Queryable, citizenId: string, now: Date): Promise<Facts | undefined> {
  const [row] = await db.query<FactsRow>(FACTS, [now, citizenId]);
  return row && factsOf(row, now);
}

/** What the engine gets of what the database has. */
export function factsOf(row: FactsRow, now: Date): Facts {
  const at = now.getTime();
  return {
    person: {
      citizenId: row.citizen_id,
      subject: row.subject,
      levelEver: row.level_ever,
      colour: row.colour ?? undefined,
      reasons: row.reasons ?? undefined,
      ruleSet: row.rule_set ?? undefined,
      decisionId: row.decision_id ?? undefined,
      nextEvalAt: row.next_eval_at ?? undefined,
    },
    input: inputOf(row, at, at),
    inputAt: (earlier) => inputOf(row, earlier, at),
    putIntoForce: row.put_into_force,
  };
}

/** What was known at an instant. Which feeds were silent then is not kept: today's are told. */
function inputOf(row: FactsRow, at: number, now: number): HealthInput {
  const known = <T extends Nullable<Known>>(rows: readonly T[]): Omit<T, 'knownAt'>[] =>
    rows
      .filter(({ knownAt }) => at === now || knownAt === null || knownAt <= at)
      .map(({ knownAt: _, ...rest }) => rest);
  return {
    level: row.level_ever,
    declaration: true,
    evidence: known(row.evidence).map(({ revokedAt, ...rest }) => ({
      ...(present(rest) as unknown as Evidence),
      ...(revokedAt !== null && revokedAt <= at && { status: 'revoked' as const }),
    })),
    checkins: row.checkins.map((each) => present(each) as unknown as Checkin),
    release: known(row.releases),
    overrides: known(row.orders).map((each) => present(each) as unknown as Override),
    staleSources: staleSources(row.sources, now),
    outageDays: outageDaysOf(row, known(row.outage_days), at),
  };
}

/** The days on which this person could not check in. Who did keeps the day: an outage makes no colour worse. */
function outageDaysOf(row: FactsRow, outages: readonly { day: Day }[], at: number): Day[] {
  if (outages.length === 0) return [];
  const checkedIn = new Set(
    row.checkins.map((each) => (each.at !== null && each.at <= at ? dayOf(each.at) : undefined)),
  );
  return outages.map(({ day }) => day).filter((day) => !checkedIn.has(day));
}

/** Leaves out what SQL has as null. */
const present = (row: object): object =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));

/** Of `peer:380000` it is `peer`: each province is a source of its own, under the same rule. */
const kindOf = (source: string): string => source.split(':', 1)[0]!;

/**
 * The kinds of source of which one has been silent for longer than it may be. One that never spoke is not connected.
 */
export function staleSources(
  sources: readonly { source: string; receivedAt: number }[],
  at: number,
): string[] {
  const silent = sources
    .filter(({ source, receivedAt }) => {
      const rule = healthSettings.sources[kindOf(source)];
      return rule !== undefined && receivedAt + hours(rule.staleAfterHours) < at;
    })
    .map(({ source }) => kindOf(source));
  return [...new Set(silent)];
}

/**
 * The highest account level that a citizen ever reached: evidence counts although it has expired, because
 * nobody escapes red by letting it expire.
 */
export async function levelEver(
  db: Queryable,
  citizenId: string,
  known: Level = 'anonymous',
): Promise<Level> {
  // Whether it was ever basic is all that a colour depends on.
  if (known !== 'anonymous') return known;
  const evidence = await readEvidence(db, citizenId);
  const { level } = accountLevel(
    evidence.map(({ method, source, transactionId, at }) => ({ method, source, transactionId, at })),
    new Date(0),
  );
  if (level !== 'anonymous') return level;
  // A child has no account to reach a level with: the register and the guardian vouch for who it is.
  return (await everHadGuardian(db, citizenId)) ? 'basic' : 'anonymous';
}
