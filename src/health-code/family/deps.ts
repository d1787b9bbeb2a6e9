import type { Carrier } from '../../authorities/carrier.ts';
import type { Household } from '../../authorities/household.ts';
import type { Register } from '../../authorities/register.ts';
import type { Limits } from '../../platform/limits.ts';
import type { HealthDeps } from '../citizen-page.ts';

/** What the pages about children and elders stand on. */
export interface FamilyDeps extends HealthDeps {
  limits: Limits;
  register: Register;
  household: Household;
  carrier: Carrier;
  /** Province codes known besides `config/provinces.json`. */
  extraProvinces: readonly string[];
  /** Sandbox people whose codes are fixed; limits are lifted for them. */
  fixedCode?: ((phone: string) => string | undefined) | undefined;
}

/** Field → key of the sentence that says what is wrong. */
export type Refusals = Record<string, string>;
