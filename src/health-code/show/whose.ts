import { type Dependant, findDependant, readDependants } from '../../citizens/guardianship.ts';
import { Problem } from '../../platform/problem.ts';
import type { HealthDeps, Me } from '../citizen-page.ts';
import { type Holder, maskName, readHolder } from '../people.ts';

/** Whose code a page is about: the citizen's own, or that of somebody they act for. */
export interface Shown {
  holder: Holder;
  /** The guardianship, where it is somebody else's. */
  guardianship: string | undefined;
}

/**
 * @param guardianship as addresses name it; undefined for the citizen's own code.
 * @throws Problem `health_no_dependant` 404 for one that is not theirs, or over.
 */
export async function whose(
  { db, cipher }: Pick<HealthDeps, 'db' | 'cipher'>,
  { holder, now }: Me,
  guardianship: string | undefined,
): Promise<Shown> {
  if (guardianship === undefined) return { holder, guardianship };
  const asked = { guardianId: holder.citizenId, id: guardianship, now };
  const dependant = await findDependant(db, cipher, asked);
  if (!dependant) throw new Problem('health_no_dependant', 404);
  return { holder: await readHolder(db, cipher, dependant.citizenId), guardianship };
}

/** Who acts, where that is not the one it is about. */
export const speaker = (me: Me, { guardianship }: Shown): string | undefined =>
  guardianship === undefined ? undefined : me.holder.citizenId;

/** A link of the page: whose code can be shown instead. */
export interface FamilyLink {
  href: string;
  name: string;
  kind: Dependant['kind'] | undefined;
  current: boolean;
}

/** Everybody whose code a citizen can show, themselves first; empty when that is only themselves. */
export async function family(
  { db, cipher }: Pick<HealthDeps, 'db' | 'cipher'>,
  { holder, now }: Me,
  guardianship: string | undefined,
): Promise<FamilyLink[]> {
  const dependants = await readDependants(db, cipher, holder.citizenId, now);
  if (dependants.length === 0) return [];
  const own = { href: '/health/code', name: holder.maskedName, kind: undefined };
  const theirs = dependants.map(({ id, name, kind }) => ({
    href: `/health/code/of/${id}`,
    name: maskName(name),
    kind,
    id,
  }));
  return [
    { ...own, current: guardianship === undefined },
    ...theirs.map(({ id, ...link }) => ({ ...link, current: id === guardianship })),
  ];
}
