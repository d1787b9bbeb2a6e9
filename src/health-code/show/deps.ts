import type { HealthDeps } from '../citizen-page.ts';
import type { HealthKeys } from './keys.ts';

/** What the pages that show a code stand on. */
export type ShowDeps = HealthDeps & { keys: HealthKeys };
