import { Problem } from '../platform/problem.ts';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The id of a record as an address gives it.
 *
 * @throws Problem `health_no_record` 404 for what cannot be one, before the database stumbles over it.
 */
export function recordId(given: unknown): string {
  if (typeof given !== 'string' || !ID.test(given)) throw new Problem('health_no_record', 404);
  return given;
}
