import names from '../../config/provinces.json' with { type: 'json' };

/**
 * The name of a province in the language of a page.
 *
 * @param code GB/T 2260, of two digits or six.
 * @returns undefined for one that `config/provinces.json` does not know.
 */
export const provinceName = (code: string, locale: 'zh-CN' | 'en' = 'zh-CN'): string | undefined =>
  (names as Partial<Record<string, Record<'zh-CN' | 'en', string>>>)[code.slice(0, 2)]?.[locale];

/** Another province as a page names it: in Chinese as the operator does, in English by its code where that is known. */
export const nameOfPeer = (peer: { issuer: string; name: string }, locale: 'zh-CN' | 'en'): string =>
  (locale === 'en' ? provinceName(peer.issuer, locale) : undefined) ?? peer.name;
