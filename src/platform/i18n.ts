import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];

/** Values for the `{name}` placeholders of a text. */
export type TextParams = Readonly<Record<string, string | number>>;
/** Text of one language by its key. Throws when there is no such text or a placeholder has no value. */
export type Translate = (key: string, params?: TextParams) => string;

export interface Texts {
  translator(locale: Locale): Translate;
  has(key: string): boolean;
  keys(): string[];
}

type Flat = Map<string, string>;

const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function flatten(value: unknown, prefix: string, file: string, into: Flat): void {
  if (typeof value === 'string') {
    if (into.has(prefix)) throw new Error(`${file}: the text ${prefix} is already given by another file`);
    into.set(prefix, value);
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${file}: ${prefix} must be a text or an object of texts`);
  }
  for (const [key, child] of Object.entries(value)) {
    flatten(child, prefix ? `${prefix}.${key}` : key, file, into);
  }
}

function readLocale(directory: string): Flat {
  const texts: Flat = new Map();
  for (const name of readdirSync(directory).sort()) {
    if (!name.endsWith('.json')) continue;
    const file = join(directory, name);
    const { problems, ...own } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    flatten(own, camelCase(name.slice(0, -'.json'.length)), file, texts);
    if (problems !== undefined) flatten(problems, 'problems', file, texts);
  }
  return texts;
}

const placeholders = (text: string): string =>
  [...new Set(Array.from(text.matchAll(/\{(\w+)\}/g), ([, name]) => name))].sort().join(', ');

/** What differs between two languages, one sentence per difference; empty when they agree. */
function differences(one: Locale, first: Flat, other: Locale, second: Flat): string[] {
  const found: string[] = [];
  for (const [key, text] of first) {
    const counterpart = second.get(key);
    if (counterpart === undefined) found.push(`${key} is in ${one} but not in ${other}`);
    else if (placeholders(text) !== placeholders(counterpart)) {
      found.push(
        `${key} has the placeholders {${placeholders(text)}} in ${one}, {${placeholders(counterpart)}} in ${other}`,
      );
    }
  }
  for (const key of second.keys()) if (!first.has(key)) found.push(`${key} is in ${other} but not in ${one}`);
  return found;
}

/**
 * Reads `<directory>/<locale>/*.json`. The texts of `front-door.json` are found under `frontDoor.`, and its
 * top-level `problems` under the `problems.` that all rooms share.
 *
 * @throws Error at start, naming every key or placeholder in which the languages differ.
 */
export function loadTexts(directory: string): Texts {
  const flats = Object.fromEntries(
    LOCALES.map((locale) => [locale, readLocale(join(directory, locale))]),
  ) as Record<Locale, Flat>;
  const found = differences('zh-CN', flats['zh-CN'], 'en', flats.en);
  if (found.length > 0) throw new Error(`The texts in ${directory} differ:\n${found.join('\n')}`);
  return {
    has: (key) => flats['zh-CN'].has(key),
    keys: () => [...flats['zh-CN'].keys()],
    translator:
      (locale) =>
      (key, params = {}) => {
        const text = flats[locale].get(key);
        if (text === undefined) throw new Error(`There is no text ${key}`);
        return text.replace(/\{(\w+)\}/g, (_, name: string) => {
          const value = params[name];
          if (value === undefined) throw new Error(`The text ${key} needs a value for {${name}}`);
          return String(value);
        });
      },
  };
}
