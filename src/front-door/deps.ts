import type { Cards } from '../authorities/cards.ts';
import type { Carrier } from '../authorities/carrier.ts';
import type { RedirectCheck } from '../authorities/redirect-check.ts';
import type { Register } from '../authorities/register.ts';
import type { Clock } from '../platform/clock.ts';
import type { Database } from '../platform/database.ts';
import type { Cipher } from '../platform/field-encryption.ts';
import type { Limits } from '../platform/limits.ts';
import type { Pages } from '../platform/pages.ts';
import type { EnqueueLogout } from '../sessions/end.ts';
import type { Door } from './door.ts';

/** Everything that the pages of the front door stand on; `app.ts` passes it in. */
export interface FrontDoorDeps {
  db: Database;
  cipher: Cipher;
  clock: Clock;
  pages: Pages;
  limits: Limits;
  door: Door;
  register: Register;
  carrier: Carrier;
  cards: Cards;
  redirectCheck: RedirectCheck;
  /** Origin of the platform's own pages, such as `https://id.example.gov.cn`. */
  origin: string;
  /** Origins of authorities with pages of their own, which a form of ours may lead to. */
  checkOrigins: readonly string[];
  /** What the citizen reads when the browser asks for a passkey. */
  passkeyName: string;
  /** Province codes known besides `config/provinces.json`. */
  extraProvinces: readonly string[];
  /** Sandbox people whose codes are fixed; limits are lifted for them. */
  fixedCode?: ((phone: string) => string | undefined) | undefined;
  /** Tells relying parties of sessions that end. */
  enqueueLogout: EnqueueLogout;
}
