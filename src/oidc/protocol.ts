import { isDeepStrictEqual } from 'node:util';
import type { JWK } from 'jose';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { ensureSigningKeys, readSigningKeys } from '../sessions/signing-keys.ts';
import type { ProtocolDeps } from './configuration.ts';
import { type MachineCaller, machineCaller } from './machine-callers.ts';
import { createProvider, type ProtocolProvider } from './provider.ts';

export interface Protocol {
  /** The provider of this moment. */
  provider(): Provider;
  sendLogout: ProtocolProvider['sendLogout'];
  refusalOf: ProtocolProvider['refusalOf'];
  /** Which program calls one of our own APIs (`machine-callers.ts`), by its `Authorization` header. */
  machineCaller(authorization: string | undefined, api: string): Promise<MachineCaller | undefined>;
  /** Takes up signing keys that another process added, promoted or retired. */
  reloadKeys(): Promise<void>;
}

export interface ProtocolLog {
  error(fields: object, message: string): void;
}

/** The protocol on the signing keys of the database, exchanged without a restart. */
export async function openProtocol(deps: Omit<ProtocolDeps, 'jwks'>, log: ProtocolLog): Promise<Protocol> {
  let keys: JWK[] = await ensureSigningKeys(deps.db, deps.cipher, deps.clock());
  let current = make(keys);

  function make(jwks: JWK[]): ProtocolProvider {
    const made = createProvider({ ...deps, jwks: { keys: jwks } as ProtocolDeps['jwks'] });
    made.provider.on('server_error', (ctx: KoaContextWithOIDC, error: Error) => {
      log.error({ err: error, path: ctx.path, referenceId: ctx.state?.referenceId }, 'the protocol failed');
    });
    return made;
  }

  return {
    provider: () => current.provider,
    sendLogout: (notice) => current.sendLogout(notice),
    refusalOf: (metadata) => current.refusalOf(metadata),
    machineCaller: (authorization, api) =>
      machineCaller({ issuer: deps.settings.issuer, keys, catalogue: deps.catalogue }, authorization, api),
    async reloadKeys() {
      const found = await readSigningKeys(deps.db, deps.cipher);
      if (found.length === 0 || isDeepStrictEqual(found, keys)) return;
      keys = found;
      current = make(found);
    },
  };
}
