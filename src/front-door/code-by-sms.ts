import type { Context } from 'koa';
import {
  type CodePurpose,
  codeRules,
  currentCode,
  type Delivery,
  redeemCode,
  sendCode,
} from '../citizens/one-time-code.ts';
import type { Queryable } from '../platform/database.ts';
import type { FrontDoorDeps } from './deps.ts';
import { hoursOf } from './hours.ts';
import { lastFour } from './masked.ts';

/** A code that belongs to one phone and one place. */
export interface CodePlace {
  purpose: CodePurpose;
  /** The interaction, draft or recovery in which the code must come back. */
  context: string;
  phone: string;
}

/** What the page says about the code. */
export interface CodeState {
  lastFour: string;
  /** There is a code that is still good, wherever its message is. */
  live: boolean;
  /** What became of its message, so that the page claims no more than is known. */
  delivery?: Delivery | undefined;
  /** How long a code is good, in minutes. */
  minutes: number;
  /** For how many of them it still is. */
  left: number;
  /** For how many hours a registration or recovery keeps what was typed. */
  kept: number;
  /** Seconds until another can be sent. */
  resendAfter: number;
  /** The phone gets no more codes today, and there is none to fill in. */
  limited: boolean;
  /** The phone gets no more codes today: there is nothing to send again. */
  noMore: boolean;
  /** Key and values of a sentence about why none was sent. */
  notice?: { key: string; params: Record<string, number> };
}

/**
 * Sees to the code of a page.
 *
 * @param how `open`: send one unless one is good already, so that reloading or coming back to the page does not
 *   make the code in the citizen's hand worthless; `again`: send another; `stay`: send none.
 */
export async function seeToCode(
  deps: Pick<FrontDoorDeps, 'db' | 'cipher' | 'clock' | 'limits' | 'fixedCode'>,
  ctx: Context,
  { purpose, context, phone }: CodePlace,
  how: 'open' | 'again' | 'stay',
): Promise<CodeState> {
  const { db, cipher, fixedCode } = deps;
  const now = deps.clock();
  const rules = codeRules();
  const seconds = (until: Date): number => Math.max(0, Math.ceil((until.getTime() - now.getTime()) / 1000));
  const about = (code: { expiresAt?: Date; delivery?: Delivery } | undefined) => ({
    lastFour: lastFour(phone),
    minutes: Math.round(rules.lifetime / 60),
    kept: hoursOf('draft'),
    live: code?.expiresAt !== undefined,
    delivery: code?.delivery,
    left: code?.expiresAt ? Math.ceil(seconds(code.expiresAt) / 60) : 0,
  });
  const lifted = fixedCode?.(phone) !== undefined;
  const current = await currentCode(db, cipher, { phone, purpose, context, now });
  if (how === 'stay' || (how === 'open' && current)) {
    const resendAt = current && new Date(current.sentAt.getTime() + (lifted ? 0 : rules.resend * 1000));
    return {
      ...about(current),
      limited: false,
      noMore: false,
      resendAfter: resendAt ? seconds(resendAt) : 0,
    };
  }
  // A login's code follows a password, and its phone has a limit of its own.
  if (!lifted && purpose !== 'login') await deps.limits.consume('sms_network', ctx.ip);
  const result = await db.transaction((tx) =>
    sendCode({ tx, cipher, fixedCode }, { phone, purpose, context, locale: ctx.state.locale, now }),
  );
  const resendAfter = seconds(result.resendAt);
  const noMore = result.reason === 'daily_limit';
  const params = { seconds: resendAfter, hours: Math.ceil(resendAfter / 3600) };
  return {
    ...about(result),
    limited: noMore && result.expiresAt === undefined,
    noMore,
    resendAfter: noMore ? 0 : resendAfter,
    ...(result.reason && { notice: { key: NOTICES[result.reason], params } }),
  };
}

const NOTICES = { too_soon: 'frontDoor.code.tooSoon', daily_limit: 'frontDoor.code.dailyLimit' } as const;

/**
 * Uses up a code. Commit whatever comes back: wrong entries are counted in the same transaction.
 *
 * @returns the key of the sentence that says what is wrong with it, or nothing when it was right.
 */
export async function takeCode(
  tx: Queryable,
  { cipher, clock }: Pick<FrontDoorDeps, 'cipher' | 'clock'>,
  place: CodePlace & { code: string },
): Promise<string | undefined> {
  if (place.code.trim() === '') return 'frontDoor.code.missing';
  const outcome = await redeemCode({ tx, cipher }, { ...place, now: clock() });
  return outcome === 'ok' ? undefined : `frontDoor.code.${outcome}`;
}
