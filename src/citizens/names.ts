import rules from '../../config/usernames.json' with { type: 'json' };

export type NameRefusal = 'empty' | 'too_long' | 'characters';
export type ParsedName = { ok: true; value: string } | { ok: false; reason: NameRefusal };

export const NAME_MAX = 100;
/** Every dot that keyboards and registers put between the parts of a transliterated name. */
const MIDDLE_DOTS = /\s*[·•‧∙⋅・᛫⸱ꞏ]\s*/gu;
const HAN = '\\p{Script=Han}\\p{Nl}';
const DOT_BETWEEN_HAN = new RegExp(`(?<=[${HAN}])\\s*\\.\\s*(?=[${HAN}])`, 'gu');
const SPACE_BESIDE_HAN = new RegExp(`(?<=[${HAN}])\\s+|\\s+(?=[${HAN}])`, 'gu');
const NAME = /^[\p{L}\p{Nl}\p{M}][\p{L}\p{Nl}\p{M}·.,'’ -]*$/u;

/**
 * A person's name in one spelling: NFKC, no invisible marks, `·` for every middle dot, no spaces between Han
 * characters and single ones elsewhere. Letter case is kept (see `sameName`).
 */
export function parseName(raw: string): ParsedName {
  const value = raw
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .replace(MIDDLE_DOTS, '·')
    .replace(DOT_BETWEEN_HAN, '·')
    .replace(SPACE_BESIDE_HAN, '')
    .replace(/[\u2018\u2019\u02BC]/gu, "'")
    .replace(/\p{Pd}/gu, '-');
  if (value === '') return { ok: false, reason: 'empty' };
  if ([...value].length > NAME_MAX) return { ok: false, reason: 'too_long' };
  return NAME.test(value) ? { ok: true, value } : { ok: false, reason: 'characters' };
}

/** Whether two names, each in any spelling that `parseName` accepts, are one: letter case does not count. */
export function sameName(one: string, other: string): boolean {
  const [a, b] = [parseName(one), parseName(other)];
  return a.ok && b.ok && a.value.toUpperCase() === b.value.toUpperCase();
}

export type UsernameRefusal =
  | 'empty'
  | 'too_short'
  | 'too_long'
  | 'characters'
  | 'reserved'
  | 'like_document';
export type ParsedUsername = { ok: true; value: string } | { ok: false; reason: UsernameRefusal };

/** Letters and a run of digits are how passports and old resident cards are numbered. */
const LIKE_DOCUMENT = /^[a-z]{1,3}\d{6,}$/;

/**
 * A user name in lower case: begins with a letter or Han character, then letters, digits, `_ . -`. A name that
 * could be a phone or document number is refused, since all three are typed into the same field.
 */
export function parseUsername(raw: string): ParsedUsername {
  const value = raw.normalize('NFKC').trim().toLowerCase();
  const length = [...value].length;
  if (length === 0) return { ok: false, reason: 'empty' };
  if (!/^[a-z\p{Script=Han}][a-z0-9\p{Script=Han}_.-]*$/u.test(value))
    return { ok: false, reason: 'characters' };
  if (length < rules.minLength) return { ok: false, reason: 'too_short' };
  if (length > rules.maxLength) return { ok: false, reason: 'too_long' };
  if (LIKE_DOCUMENT.test(value)) return { ok: false, reason: 'like_document' };
  return rules.reserved.includes(value) ? { ok: false, reason: 'reserved' } : { ok: true, value };
}
