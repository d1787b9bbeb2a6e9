import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../../audit/log.ts';
import { readCitizen } from '../../citizens/store.ts';
import { type ClaimSet, LEAST_LEVEL } from '../../consents/claim-set.ts';
import { consentsGiven, giveConsents } from '../../consents/store.ts';
import { formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import type { FrontDoorDeps } from '../deps.ts';
import type { Interaction } from '../door.ts';
import { maskName } from '../masked.ts';
import { interactionPath } from '../paths.ts';
import { keepAnswer, readAnswers } from './answers.ts';
import { nextConsentStep } from './steps.ts';

const Answer = z.object({
  action: z.enum(['allow', 'deny']),
  /** Ids of the sets that the page asked about: a page that went stale answers for no other. */
  asked: z.string().max(500),
});

/** An answer is kept until the last page is answered, at most so long, in milliseconds. */
const ANSWER_MS = 60 * 60 * 1000;

interface Asked {
  interaction: Interaction;
  citizenId: string;
  claimSets: ClaimSet[];
  given: string[];
}

/** The consent: one page for the ordinary claims, one more for each that is sensitive. */
export function consentRoutes(router: Router, deps: FrontDoorDeps) {
  const { db, cipher, clock, pages, door } = deps;

  async function load(ctx: Context): Promise<Asked> {
    const interaction = await door.details(ctx);
    const { consent, session, client, reasons } = interaction;
    if (!session || !consent) throw new Problem('interaction_expired', 400);
    const { claimSets } = consent;
    const { citizenId } = session;
    const given = reasons.includes('consent_prompt')
      ? []
      : await consentsGiven(db, { citizenId, clientId: client.id, claimSets });
    return { interaction, citizenId, claimSets, given };
  }

  /** Shows the next page, or goes back to the client when there is none. */
  async function proceed(ctx: Context, asked: Asked): Promise<void> {
    const { interaction, citizenId, claimSets, given } = asked;
    const answers = await readAnswers(db, { interactionUid: interaction.uid, citizenId });
    const step = nextConsentStep(claimSets, given, answers);
    if (step.kind === 'ask') {
      const who = await readCitizen(db, cipher, citizenId);
      return pages.render(ctx, 'front-door/consent', {
        interaction,
        base: interactionPath(interaction.uid),
        who: who && maskName(who.name),
        step,
        leastLevel: LEAST_LEVEL,
        asked: step.claimSets.map(({ id }) => id).join(' '),
      });
    }
    if (step.allowed.length === 0 && claimSets.length > 0) return door.declined(ctx, 'access_denied');
    const now = clock();
    const fresh = claimSets.filter(({ id }) => step.allowed.includes(id) && !given.includes(id));
    if (fresh.length > 0) {
      const clientId = interaction.client.id;
      await db.transaction(async (tx) => {
        await giveConsents(tx, { citizenId, clientId, claimSets: fresh, now });
        for (const { id } of fresh) {
          await record(tx, {
            type: 'consent.given',
            citizenId,
            clientId,
            detail: { claimSet: id },
            at: now,
          });
        }
      });
    }
    return door.consented(ctx, { allowed: step.allowed });
  }

  router.post('/interaction/:uid/consent', async (ctx) => {
    const asked = await load(ctx);
    const parsed = formOf(ctx, Answer);
    if (!parsed.ok) return proceed(ctx, asked);
    const now = clock();
    const { uid } = asked.interaction;
    const shown = parsed.data.asked.split(' ');
    const claimSets = asked.claimSets.map(({ id }) => id).filter((id) => shown.includes(id));
    const allowed = parsed.data.action === 'allow';
    const refusedAll =
      !allowed && asked.claimSets.some(({ id, separate }) => claimSets.includes(id) && !separate);
    await db.transaction(async (tx) => {
      // A refusal of everything ends the interaction; there is no later page to keep it for.
      if (!refusedAll) {
        await keepAnswer(tx, {
          interactionUid: uid,
          citizenId: asked.citizenId,
          claimSets,
          allowed,
          expiresAt: new Date(now.getTime() + ANSWER_MS),
        });
      }
      for (const id of allowed ? [] : claimSets) {
        await record(tx, {
          type: 'consent.denied',
          citizenId: asked.citizenId,
          clientId: asked.interaction.client.id,
          detail: { claimSet: id },
          at: now,
        });
      }
    });
    if (refusedAll) return door.declined(ctx, 'access_denied');
    return proceed(ctx, asked);
  });

  const first = async (ctx: Context): Promise<void> => proceed(ctx, await load(ctx));
  router.get('/interaction/:uid/consent', first);
  return first;
}
