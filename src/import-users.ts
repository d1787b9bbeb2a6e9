import { createInterface } from 'node:readline';
import { z } from 'zod';
import { record } from './audit/log.ts';
import { DOCUMENT_TYPES, type DocumentType, parseDocument } from './citizens/identifiers.ts';
import { findByBinding, importCitizen } from './citizens/import.ts';
import { parseName } from './citizens/names.ts';
import { BadEnvironment, readMasterKeys } from './environment.ts';
import { list } from './environment-formats.ts';
import { type Database, openDatabase } from './platform/database.ts';
import { type Cipher, createCipher } from './platform/field-encryption.ts';
import { Problem } from './platform/problem.ts';

/**
 * `npm run -s import:users -- SYSTEM < users.ndjson`: records the users of an older platform, one JSON object a line
 * (`old_identifier name document_type id_number birth_date?`), as persons without account: nothing about them is
 * proved. Registering with the same document claims the record, with its old identifier. May be run again: what
 * is known already is passed over. Bad lines are named on standard error by number and reason, never by content.
 * Ends with 1 when there were any, 2 when it could not begin.
 */
const Row = z.object({
  old_identifier: z.string().min(1).max(200),
  name: z.string(),
  document_type: z.enum(DOCUMENT_TYPES as [DocumentType, ...DocumentType[]]),
  id_number: z.string(),
  birth_date: z.iso.date().optional(),
});

type Outcome = 'imported' | 'known' | { bad: string };

interface Into {
  db: Database;
  cipher: Cipher;
  system: string;
  extraProvinces: readonly string[];
}

async function importLine({ db, cipher, system, extraProvinces }: Into, line: string): Promise<Outcome> {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return { bad: 'not JSON' };
  }
  const row = Row.safeParse(raw);
  if (!row.success) return { bad: `wrong: ${row.error.issues.map(({ path }) => path.join('.')).join(', ')}` };
  const { old_identifier: oldIdentifier, document_type: documentType, id_number, birth_date } = row.data;
  const now = new Date();
  const name = parseName(row.data.name);
  if (!name.ok) return { bad: `name: ${name.reason}` };
  const document = parseDocument(documentType, id_number, { now, extraProvinces });
  if (!document.ok) return { bad: `id_number: ${document.reason}` };
  const birthDate = document.birthDate ?? birth_date;
  const imported = db.transaction(async (tx) => {
    if (await findByBinding(tx, cipher, { system, oldIdentifier })) return 'known' as const;
    const person = { name: name.value, documentType, idNumber: document.value, birthDate, now };
    const citizenId = await importCitizen(tx, cipher, { ...person, system, oldIdentifier });
    await record(tx, { type: 'registration.imported', citizenId, actor: 'system', at: now });
    return 'imported' as const;
  });
  return imported.catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'document_shared')) throw error;
    return { bad: 'id_number: somebody else has a passport with that number' };
  });
}

async function run(system: string, databaseUrl: string): Promise<number> {
  const cipher = createCipher(readMasterKeys(process.env));
  const extraProvinces = list.parse(process.env.SANDBOX_PROVINCES ?? '');
  if (extraProvinces.length > 0 && process.env.SANDBOX !== '1')
    throw new BadEnvironment(['SANDBOX_PROVINCES works only with SANDBOX=1. Remove it.']);
  const db = openDatabase(databaseUrl, { max: 2 });
  const count = { imported: 0, known: 0, bad: 0 };
  let number = 0;
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      number += 1;
      if (line.trim() === '') continue;
      const outcome = await importLine({ db, cipher, system, extraProvinces }, line);
      if (typeof outcome === 'object') {
        count.bad += 1;
        process.stderr.write(`line ${number}: ${outcome.bad}\n`);
      } else count[outcome] += 1;
    }
  } finally {
    await db.close();
  }
  process.stdout.write(`imported ${count.imported}, known ${count.known}, bad ${count.bad}\n`);
  return count.bad > 0 ? 1 : 0;
}

const [system = ''] = process.argv.slice(2);
try {
  if (!process.env.DATABASE_URL) throw new BadEnvironment(['DATABASE_URL is not set.']);
  if (!/^[a-z][a-z0-9-]{1,39}$/.test(system)) {
    throw new Error('name the older platform: npm run -s import:users -- old-portal < users.ndjson');
  }
  process.exitCode = await run(system, process.env.DATABASE_URL);
} catch (error) {
  process.stderr.write(`The users could not be imported: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
