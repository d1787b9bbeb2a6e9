import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import health from '../../config/health-code/settings.json' with { type: 'json' };
import { isAuditableClientId } from '../audit/check-event.ts';
import type { Database } from '../platform/database.ts';
import { type ClientEntry, clientSchema, resourceSchema } from './client-metadata.ts';
import { disableOthers, enterClient, lockEntries } from './enter-client.ts';
import { nearName } from './near-name.ts';

/** Says which entry of `CLIENTS_FILE` is wrong, in which field, and what would be right. */
export class ClientsFileError extends Error {
  override readonly name = 'ClientsFileError';
}

const MEMBERS = [...Object.keys(clientSchema.shape), ...Object.keys(resourceSchema.shape)];

/** What is wrong and what would be right, after the name of the field. */
function explained(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${path || 'entry'}: ${issue.message}`;
  return issue.keys
    .map((key) => {
      const meant = nearName(key, MEMBERS);
      const where = path === '' ? key : `${path}.${key}`;
      return `${where}: is not known here; ${meant ? `did you mean ${meant}?` : 'remove it (docs/schemas/clients.schema.json has all)'}`;
    })
    .join('; ');
}

/** Why the OpenID library would not serve such a client, if so. */
export type Refusal = (entry: ClientEntry) => string | undefined;

/** A clients file that was read, and its name for messages. */
interface ClientsText {
  text: string;
  file: string;
}

/** The entries of a file that is right as a list, each with its place for messages. */
function entriesOf({ text, file }: ClientsText) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ClientsFileError(`${file}: not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(json)) throw new ClientsFileError(`${file}: must be a JSON array of clients`);
  return json.map((entry: unknown, index) => {
    const id = (entry as { client_id?: unknown } | null)?.client_id;
    return { entry, id, where: `${file}: entry ${index + 1}${typeof id === 'string' ? ` (${id})` : ''}` };
  });
}

export const parseClients = (text: string, file: string, refusal?: Refusal): ClientEntry[] =>
  parseClientFiles([{ text, file }], refusal);

/**
 * Reads and checks the texts of clients files; an entry takes the place of one with the same id in an earlier file.
 *
 * @throws ClientsFileError naming file, entry in it, field and fix
 */
export function parseClientFiles(
  files: readonly ClientsText[],
  refusal: Refusal = () => undefined,
): ClientEntry[] {
  const lists = files.map(entriesOf);
  const entries = lists.flatMap((list, at) => {
    const later = new Set(lists.slice(at + 1).flatMap((each) => each.map(({ id }) => id)));
    return list.filter(({ id }) => !later.has(id));
  });
  const seen = new Set<string>();
  const owners = new Map<string, string>();
  const sectors = new Map<string, ClientEntry>();
  return entries.map(({ entry, where }) => {
    const parsed = clientSchema.safeParse(entry);
    if (!parsed.success) {
      throw new ClientsFileError(`${where}: ${parsed.error.issues.map(explained).join('; ')}`);
    }
    const { token_endpoint_auth_method: method, jwks, jwks_uri } = parsed.data;
    if (method === 'private_key_jwt' && !jwks && !jwks_uri) {
      throw new ClientsFileError(
        `${where}: jwks: give jwks or jwks_uri, or name another token_endpoint_auth_method than private_key_jwt, the default`,
      );
    }
    const refused = refusal(parsed.data);
    if (refused !== undefined) throw new ClientsFileError(`${where}: ${refused}`);
    if (!isAuditableClientId(parsed.data.client_id)) {
      throw new ClientsFileError(
        `${where}: client_id: begin with a small letter, go on with letters, digits and ._:/- and at most five ` +
          `digits in a row; or take a UUID. The audit log names no other`,
      );
    }
    if (seen.has(parsed.data.client_id)) throw new ClientsFileError(`${where}: client_id: appears twice`);
    seen.add(parsed.data.client_id);
    for (const { identifier } of parsed.data.resources) {
      const owner = owners.get(identifier);
      if (owner !== undefined) {
        throw new ClientsFileError(`${where}: resources: ${identifier} belongs to ${owner} already`);
      }
      owners.set(identifier, parsed.data.client_id);
    }
    if (parsed.data.claims_allowed.includes('identity') && parsed.data.legal_basis === undefined) {
      throw new ClientsFileError(`${where}: legal_basis: name the law that lets it receive identity`);
    }
    healthAlone(parsed.data, where);
    const same = sectors.get(parsed.data.sector);
    const either = [same, parsed.data].some((one) => one?.claims_allowed.includes('health_code'));
    if (same && either) {
      throw new ClientsFileError(
        `${where}: sector: ${same.client_id} has it too; the health code needs a sector of its own`,
      );
    }
    sectors.set(parsed.data.sector, parsed.data);
    return parsed.data;
  });
}

/** Who may ask for the health code does nothing else, so that it cannot be used for anything else. */
function healthAlone({ claims_allowed, purposes, scope }: ClientEntry, where: string): void {
  if (!claims_allowed.includes('health_code')) return;
  const alone = 'register a client of its own for the health code';
  if (claims_allowed.length > 1) throw new ClientsFileError(`${where}: claims_allowed: ${alone}`);
  if (purposes.length !== 1 || purposes[0] !== health.purpose) {
    throw new ClientsFileError(
      `${where}: purposes: must be ["${health.purpose}"] and nothing else for health_code; ${alone}`,
    );
  }
  const more = scope?.split(' ').some((one) => !HEALTH_SCOPES.includes(one));
  if (more) throw new ClientsFileError(`${where}: scope: must be openid health_code; ${alone}`);
}

const HEALTH_SCOPES = ['openid', 'health_code', ''];

/** How the keys and secrets of the sandbox and of the documentation's examples begin. */
const KNOWN_TO_EVERYBODY = /^(sandbox-|replace-me)/;

/**
 * Keeps what ships with the source out of production: whoever read it could be that relying party.
 *
 * @throws ClientsFileError naming the client
 */
export function refuseKnownSecrets(clients: readonly ClientEntry[]): void {
  for (const { client_id, client_secret, jwks } of clients) {
    const keys = jwks?.keys ?? [];
    const known = [client_secret, ...keys.map(({ kid }) => kid)].some(
      (each) => typeof each === 'string' && KNOWN_TO_EVERYBODY.test(each),
    );
    if (known) {
      throw new ClientsFileError(
        `${client_id}: its secret or key ships with the sandbox, so everybody knows it. Make one of its own`,
      );
    }
  }
}

/** Reads `CLIENTS_FILE`, and before it the file whose entries it may replace. */
export const readClientsFiles = async (files: readonly string[], refusal: Refusal): Promise<ClientEntry[]> =>
  parseClientFiles(
    await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') }))),
    refusal,
  );

/**
 * Makes the catalogue say what the file says, in one transaction with the audit rows of what that changes:
 * entries are added or replaced, and those that the file no longer has are disabled. Running it twice changes
 * nothing.
 *
 * @throws ClientsFileError for another sector than the client was registered with: every `sub` would change; and for
 * a client that is part of the product
 */
export async function applyClients(db: Database, clients: readonly ClientEntry[], now: Date): Promise<void> {
  await db.transaction(async (tx) => {
    const known = await lockEntries(
      tx,
      clients.map(({ client_id }) => client_id),
    );
    for (const { client_id: id, sector } of clients) {
      if (known.get(id)?.source === 'product') {
        throw new ClientsFileError(`${id}: client_id: is the platform’s own; take another`);
      }
      const registered = known.get(id)?.metadata.sector;
      if (registered !== undefined && registered !== sector) {
        throw new ClientsFileError(
          `${id}: sector: registered as "${registered}" and for life, because every subject follows ` +
            `from it; put that back, or register another client_id`,
        );
      }
    }
    for (const client of clients) {
      await enterClient(tx, client, known.get(client.client_id), { source: 'file', now });
    }
    const owned = clients.flatMap(({ resources }) => resources.map(({ identifier }) => identifier));
    await tx.query('delete from resources where identifier <> all($1)', [owned]);
    await disableOthers(
      tx,
      clients.map(({ client_id }) => client_id),
      now,
    );
  });
}

/** The published JSON Schema of `CLIENTS_FILE`. */
export const clientsFileSchema = () =>
  z.toJSONSchema(z.array(clientSchema), { target: 'draft-2020-12', io: 'input' });
