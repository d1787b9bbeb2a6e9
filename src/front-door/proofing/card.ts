import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { type ProofingDeps, startProofing } from '../../assurance/proofing/flow.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { common } from '../step-up/pages.ts';
import { limitChecks, offerOf, readSituation, type Situation } from '../step-up/situation.ts';
import type { StepUpDeps } from './proofing.ts';

const Card = z.object({ card_number: z.string().max(60).default(''), phone: z.string().max(40).default('') });

/** The form of a card: its number, and for a bank card the phone left with the bank. */
export function cardForm(router: Router, deps: StepUpDeps, proofing: ProofingDeps): void {
  const { pages } = deps;

  function show(ctx: Context, situation: Situation, method: string, form?: FormState, unavailable = false) {
    const fields = proofing.methods[method as 'bank_card'].fields;
    pages.render(
      ctx,
      'front-door/proofing-card',
      { ...common(situation), method, fields, unavailable, ...(form && { form }) },
      unavailable ? { status: 503 } : {},
    );
  }

  /** The situation, when this method has a form and would help now; otherwise the browser is sent on. */
  async function read(ctx: Context): Promise<Situation | undefined> {
    const situation = await readSituation(deps, ctx);
    if (situation === undefined) return undefined;
    if (offerOf(situation, String(ctx.params.method))?.way === 'form') return situation;
    seeOther(ctx, `${interactionPath(situation.interaction.uid)}/step-up`);
    return undefined;
  }

  router.get('/interaction/:uid/step-up/:method', async (ctx) => {
    const situation = await read(ctx);
    if (situation !== undefined) show(ctx, situation, String(ctx.params.method));
  });

  router.post('/interaction/:uid/step-up/:method', async (ctx) => {
    const situation = await read(ctx);
    if (situation === undefined) return;
    const offer = offerOf(situation, String(ctx.params.method));
    const { form, ...parsed } = formOf(ctx, Card);
    if (offer === undefined || !parsed.ok) return show(ctx, situation, String(ctx.params.method), form);
    await limitChecks(deps, ctx, situation);
    const { method } = offer;
    const result = await startProofing(proofing, { ...situation.origin, method, form: parsed.data });
    if (result.kind === 'invalid') {
      for (const [field, refusal] of Object.entries(result.fields)) {
        const format = field === 'phone' ? 'stepUp.card.phoneFormat' : 'stepUp.card.cardFormat';
        form.errors[field] = refusal === 'empty' ? 'stepUp.card.empty' : format;
      }
      return show(ctx, situation, method, form);
    }
    if (result.kind === 'result' && result.outcome === 'unavailable') {
      return show(ctx, situation, method, form, true);
    }
    if (result.kind === 'result' && result.outcome === 'refused') {
      form.errors[''] = result.reason === 'blocked' ? 'stepUp.card.blocked' : 'stepUp.card.mismatch';
      return show(ctx, situation, method, form);
    }
    seeOther(ctx, `${interactionPath(situation.interaction.uid)}/step-up`);
  });
}
