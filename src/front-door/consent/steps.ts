import type { ClaimSet } from '../../consents/claim-set.ts';

export type ConsentStep =
  | { kind: 'ask'; claimSets: ClaimSet[]; number: number; total: number }
  | { kind: 'done'; allowed: string[] };

/**
 * Which page of the consent comes next. Ordinary claim sets share the first page; each separate one has a page
 * of its own, so that nobody agrees to it in passing (个人信息保护法 §29).
 *
 * @param given ids of the sets agreed to earlier; they are not asked for again.
 * @param answers what was answered in this interaction: set → allowed.
 */
export function nextConsentStep(
  claimSets: readonly ClaimSet[],
  given: readonly string[],
  answers: ReadonlyMap<string, boolean>,
): ConsentStep {
  const asked = claimSets.filter(({ id }) => !given.includes(id));
  const ordinary = asked.filter(({ separate }) => !separate);
  const pages = [
    ...(ordinary.length > 0 ? [ordinary] : []),
    ...asked.filter(({ separate }) => separate).map((set) => [set]),
  ];
  const index = pages.findIndex((page) => page.some(({ id }) => !answers.has(id)));
  if (index >= 0) return { kind: 'ask', claimSets: pages[index]!, number: index + 1, total: pages.length };
  return {
    kind: 'done',
    allowed: claimSets.filter(({ id }) => given.includes(id) || answers.get(id)).map(({ id }) => id),
  };
}
