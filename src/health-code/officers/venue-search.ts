import type { Context } from 'koa';
import type { Queryable } from '../../platform/database.ts';
import { listVenues, VENUES_LISTED } from '../door/venues.ts';

/** The venues of a page, by `?named=` a part of their names, and what `views/partials/venue-search.eta` says of them. */
export async function searchVenues(ctx: Context, db: Queryable) {
  const { named: given } = ctx.query;
  const named = typeof given === 'string' ? given.trim().slice(0, 100) : '';
  const venues = await listVenues(db, named);
  return { venues, search: { named, most: VENUES_LISTED, more: venues.length === VENUES_LISTED } };
}
