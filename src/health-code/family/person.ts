import { AuthorityUnavailable } from '../../authorities/ask.ts';
import { type GuardianshipKind, kindForAge } from '../../citizens/guardianship.ts';
import { type DocumentType, documentTypeOf, parseDocument } from '../../citizens/identifiers.ts';
import { parseName } from '../../citizens/names.ts';
import type { FamilyDeps, Refusals } from './deps.ts';

/** Somebody as typed by the one who wants to act for them, checked as far as it can be without asking anybody. */
export interface Named {
  name: string;
  documentType: DocumentType;
  idNumber: string;
  birthDate: string;
}

const WRONG_AGE = { child: 'healthFamily.errors.notChild', elder: 'healthFamily.errors.notElder' };

/** Reads name and number. What is wrong is added to `errors`; then nothing is returned. */
export function readPerson(
  typed: { name: string; id_number: string },
  kind: GuardianshipKind,
  { now, extraProvinces }: { now: Date; extraProvinces: readonly string[] },
  errors: Refusals,
): Named | undefined {
  const name = parseName(typed.name);
  if (!name.ok) errors.name = `frontDoor.entry.name.${name.reason}`;
  const documentType = documentTypeOf(typed.id_number) ?? 'resident_id';
  const document = parseDocument(documentType, typed.id_number, { now, extraProvinces });
  if (!document.ok) errors.id_number = `frontDoor.entry.document.${document.reason}`;
  // A number that does not tell how old somebody is belongs to the counter.
  else if (document.birthDate === undefined) errors.id_number = 'healthFamily.errors.counter';
  else if (kindForAge(document.birthDate, now) !== kind) errors.id_number = WRONG_AGE[kind];
  if (!name.ok || !document.ok || document.birthDate === undefined || errors.id_number) return undefined;
  return { name: name.value, documentType, idNumber: document.value, birthDate: document.birthDate };
}

/** Whether the register of the document knows this person by this name. @returns what is wrong, by field. */
export async function confirmPerson({ register }: FamilyDeps, person: Named): Promise<Refusals | undefined> {
  const answer = await asked(() => register.confirm(person));
  if (answer === undefined) return { '': 'healthFamily.errors.unavailable' };
  // Which of the other outcomes it was is nobody's business but the person's.
  return answer.outcome === 'match' ? undefined : { id_number: 'healthFamily.errors.mismatch' };
}

/** The answer of an authority, or undefined when it gives none at this moment. */
export async function asked<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof AuthorityUnavailable) return undefined;
    throw error;
  }
}
