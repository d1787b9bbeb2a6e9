import type { RegisterRecheck } from '../assurance/recheck.ts';
import type { Carrier } from '../authorities/carrier.ts';
import type { CodeRules } from '../citizens/one-time-code.ts';
import type { Catalogue } from '../departments/catalogue.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database, Queryable } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import type { Limits } from '../platform/limits.ts';
import type { Pages } from '../platform/pages.ts';

/** Everything that the citizen's own pages stand on; `app.ts` passes it in. */
export interface AccountDeps {
  db: Database;
  cipher: Cipher;
  clock: Clock;
  pages: Pages;
  limits: Limits;
  carrier: Carrier;
  /** Names of the relying parties that sessions and the access log mention. */
  catalogue: Pick<Catalogue, 'client'>;
  issuer: string;
  /** The secret of the client `account` (see `client.ts`). */
  clientSecret: string;
  /** What the citizen reads when the browser asks for a passkey. */
  passkeyName: string;
  /** Ends sessions at the front door and at every relying party, in the caller's transaction. */
  endSessions(
    tx: Queryable,
    ended: { citizenId: string; except?: string; reason: 'elsewhere'; now: Date },
  ): Promise<unknown>;
  /** When a change of phone takes effect that was asked for without a login; it can be stopped until then. */
  phoneChangeAt?: ((citizenId: string) => Promise<Date | undefined>) | undefined;
  /** Asks the register of the document again, and takes over what it has changed. */
  recheck(citizenId: string): Promise<RegisterRecheck>;
  /** What other rooms hold about a citizen, for the copy of their data: part → how to read it. */
  moreData?: Readonly<Record<string, (citizenId: string) => Promise<unknown>>> | undefined;
  /** Sandbox people whose codes are fixed; limits are lifted for them. */
  fixedCode?: ((phone: string) => string | undefined) | undefined;
  codeRules?: CodeRules | undefined;
  /** How the token endpoint is reached, when that is not by the issuer's public address. */
  fetch?: typeof globalThis.fetch | undefined;
}
