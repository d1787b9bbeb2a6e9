import site from '../../../config/site.json' with { type: 'json' };
import { readGuardians } from '../../citizens/guardianship.ts';
import { type Citizen, readCitizen } from '../../citizens/store.ts';
import type { Database, Queryable } from '../../platform/database.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Translate } from '../../platform/i18n.ts';
import { post } from '../../platform/outbox.ts';
import type { Colour } from '../engine/types.ts';
import { maskName } from '../people.ts';

export interface NoticeTools {
  cipher: Cipher;
  /** The language in which messages go out. */
  t: Translate;
  /** The platform's public origin. */
  origin: string;
}

const SEVERITY: Record<Colour, number> = { GREY: 0, GREEN: 0, YELLOW: 1, RED: 2 };

interface Row {
  citizen_id: string;
  kind: 'colour' | 'appeal';
  was: Colour | null;
  colour: Colour | null;
}

/**
 * Tells citizens by SMS that their colour changed or that an appeal was decided, and where they read why. Reasons
 * are about health and never go by SMS. Who has no phone is told through their guardians. Several changes make one
 * message; a colour that changed back makes none.
 *
 * @returns how many notices were settled; call again while it is not 0.
 */
export async function sendNotices(
  db: Database,
  tools: NoticeTools,
  { now, limit = 100 }: { now: Date; limit?: number },
): Promise<number> {
  return db.transaction(async (tx) => {
    const rows = await tx.query<Row>(
      `with gone as (
         delete from health_notices where (citizen_id, id) in (
           select citizen_id, id from health_notices where due_at <= $1 order by due_at, id limit $2
           for update skip locked)
         returning citizen_id, id, kind, was
       )
       select g.citizen_id, g.kind, g.was, p.colour from gone g
       left join health_people p on p.citizen_id = g.citizen_id order by g.id`,
      [now, limit],
    );
    const done = new Set<string>();
    for (const row of rows) {
      const key = `${row.kind} ${row.citizen_id}`;
      if (done.has(key)) continue;
      done.add(key);
      const what = whatOf(row);
      if (what) await tell(tx, tools, { citizenId: row.citizen_id, ...what, now });
    }
    return rows.length;
  });
}

function whatOf({ kind, was, colour }: Row): { key: string; colours?: [Colour, Colour] } | undefined {
  if (kind === 'appeal') return { key: 'appeal' };
  if (was === null || colour === null || was === colour) return undefined;
  return { key: SEVERITY[colour] > SEVERITY[was] ? 'worse' : 'better', colours: [was, colour] };
}

async function tell(
  tx: Queryable,
  { cipher, t, origin }: NoticeTools,
  { citizenId, key, colours, now }: { citizenId: string; key: string; colours?: [Colour, Colour]; now: Date },
): Promise<void> {
  const citizen = await readCitizen(tx, cipher, citizenId);
  if (citizen?.state !== 'active') return;
  const [was, is] = (colours ?? []).map((colour) => t(`healthCode.colour.${colour}.name`));
  const more = { was: was ?? '', is: is ?? '', url: `${origin}/health/code`, phone: site.helpPhone };
  const send = (to: string, text: string) =>
    post(tx, cipher, { channel: 'sms', to, text, kind: 'health_notice', now });
  if (citizen.phone !== undefined) {
    await send(citizen.phone, t(`healthAppeals.sms.${key}`, more));
    return;
  }
  const name = maskName(citizen.name);
  for (const guardian of await guardiansOf(tx, cipher, citizenId, now)) {
    if (guardian.phone) await send(guardian.phone, t(`healthAppeals.sms.guardian.${key}`, { ...more, name }));
  }
}

async function guardiansOf(tx: Queryable, cipher: Cipher, citizenId: string, now: Date): Promise<Citizen[]> {
  const found: Citizen[] = [];
  for (const { guardianId } of await readGuardians(tx, cipher, citizenId, now)) {
    const guardian = await readCitizen(tx, cipher, guardianId);
    if (guardian?.state === 'active') found.push(guardian);
  }
  return found;
}
