import Provider, { errors } from 'oidc-provider';
import { secretMatches } from '../departments/client-secret.ts';
import type { LogoutNotice } from '../sessions/end.ts';
import { rememberOnce } from '../sessions/replay-store.ts';
import { type ProtocolDeps, protocolConfiguration } from './configuration.ts';
import { forLibrary, scopesRefused } from './own-metadata.ts';

export interface ProtocolProvider {
  provider: Provider;
  /**
   * Sends one logout token. Rejects when the relying party did not take it.
   *
   * @returns whether there was an address to send it to.
   */
  sendLogout(notice: LogoutNotice): Promise<boolean>;
  /** Why the library would not serve a client with such metadata, if so. */
  refusalOf(metadata: { scope?: unknown }): string | undefined;
}

type BackchannelLogout = (this: unknown, accountId: string, sid: string) => Promise<void>;

/** A provider on the given keys. Cheap to make: keys are exchanged by making another. */
export function createProvider(deps: ProtocolDeps): ProtocolProvider {
  const provider = new Provider(deps.settings.issuer, protocolConfiguration(deps));
  // `pinOrigin` in `app.ts` overwrites the forwarding headers of every request.
  provider.proxy = true;

  const prototype = provider.Client.prototype as unknown as {
    backchannelLogout: BackchannelLogout;
    compareClientSecret: (
      this: { clientSecret: string; clientAuthMethod: string },
      actual: string,
    ) => boolean;
  };
  // Stored secrets are hashes. The library takes a secret in the body from clients that registered the header
  // and the other way round; in the body it is more easily logged, so it is taken only where registered.
  prototype.compareClientSecret = function compare(actual) {
    const sent = Provider.ctx?.oidc.params?.client_secret === undefined ? 'basic' : 'post';
    return this.clientAuthMethod === `client_secret_${sent}` && secretMatches(this.clientSecret, actual);
  };
  // The library sends logout tokens while the citizen waits, once, and only from its logout page. Ours go
  // through the queue, from wherever a session ends: `endSession` has put them there.
  const sendNow = prototype.backchannelLogout;
  prototype.backchannelLogout = async () => {};

  // The library looks, then writes; two proofs of possession sent at once would both be taken.
  const replay = provider.ReplayDetection as unknown as {
    unique: (issuer: string, jti: string, exp: number) => Promise<boolean>;
  };
  replay.unique = (issuer, jti, exp) =>
    rememberOnce(deps.db, `${issuer}\n${jti}`, new Date(exp * 1000), deps.clock());

  return {
    provider,
    refusalOf(metadata) {
      const Client = provider.Client as unknown as new (metadata: object) => unknown;
      const scopes = scopesRefused(metadata.scope);
      if (scopes !== undefined) return scopes;
      try {
        new Client(forLibrary(metadata));
        return undefined;
      } catch (error) {
        if (!(error instanceof errors.InvalidClientMetadata)) throw error;
        const { error_description: description = error.message, cause } = error;
        return cause instanceof Error ? `${description}: ${cause.message}` : description;
      }
    },
    async sendLogout({ clientId, accountId, sid }) {
      const client = await provider.Client.find(clientId);
      if (client?.backchannelLogoutUri === undefined) return false;
      await sendNow.call(client, accountId, sid);
      return true;
    },
  };
}
