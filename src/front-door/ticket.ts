import { createHash, randomBytes } from 'node:crypto';
import type { Context } from 'koa';

/*
 * A ticket binds what is kept on the server to one browser: the cookie holds a random value, the row its
 * hash, so that neither a stolen row nor a stolen backup opens anybody's draft.
 */

/** Names carry the program's own prefix: on `localhost`, cookies of different ports meet. */
export type TicketName = 'ymt_registration' | 'ymt_recovery';

const TICKET = /^[\w-]{43}$/;

/** SHA-256 of a ticket or of a token in a link. */
export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** A random token of 256 bits, for cookies and links. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/**
 * Gives the browser a new ticket.
 *
 * @param seconds how long the browser keeps it.
 * @returns the hash to store.
 */
export function issueTicket(ctx: Context, name: TicketName, seconds: number): Buffer {
  const token = newToken();
  ctx.cookies.set(name, token, {
    signed: false,
    httpOnly: true,
    // Lax, not strict: the citizen comes back from an authority's site by a link.
    sameSite: 'lax',
    secure: ctx.secure,
    overwrite: true,
    maxAge: seconds * 1000,
  });
  return hashOf(token);
}

/** The hash of the ticket that this browser holds, if it holds one. */
export function ticketOf(ctx: Context, name: TicketName): Buffer | undefined {
  const token = ctx.cookies.get(name, { signed: false });
  return token !== undefined && TICKET.test(token) ? hashOf(token) : undefined;
}

export function dropTicket(ctx: Context, name: TicketName): void {
  ctx.cookies.set(name, null, { signed: false });
}
