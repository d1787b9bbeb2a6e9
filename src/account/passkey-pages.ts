import type Router from '@koa/router';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Context } from 'koa';
import { z } from 'zod';
import { record } from '../audit/log.ts';
import { finishPasskeyEnrolment, relyingPartyOf, startPasskeyEnrolment } from '../citizens/passkey.ts';
import { type FormState, formOf } from '../platform/http/forms.ts';
import type { AccountDeps } from './deps.ts';
import type { FreshMe, Gate } from './gate.ts';
import { describeAgent } from './masked.ts';
import { tell } from './notify.ts';
import { backToSecurity } from './security.ts';

const ADD = '/account/security/passkeys/add';

const base64url = z.base64url().max(20_000);
/** `RegistrationResponseJSON` (WebAuthn Level 3, 5.1): its shape, what is in it the library checks. */
const Answer = z.looseObject({
  id: base64url,
  rawId: base64url,
  type: z.literal('public-key'),
  clientExtensionResults: z.looseObject({}),
  response: z.looseObject({ clientDataJSON: base64url, attestationObject: base64url }),
});
const Added = z.object({
  label: z.string().trim().min(1, 'account.passkey.labelMissing').max(40),
  response: z.string().min(1, 'account.passkey.failed').max(40_000, 'account.passkey.failed'),
});

function parseAnswer(text: string): RegistrationResponseJSON | undefined {
  try {
    const parsed = Answer.safeParse(JSON.parse(text));
    return parsed.success ? (parsed.data as unknown as RegistrationResponseJSON) : undefined;
  } catch {
    return undefined;
  }
}

/** Adding a passkey. The browser's dialogue needs script; everything else does without. */
export function passkeyRoutes(router: Router, deps: AccountDeps, gate: Gate): void {
  const { db, clock, pages, issuer, passkeyName } = deps;
  const party = relyingPartyOf(issuer, passkeyName);
  const contextOf = ({ session }: FreshMe) => `account ${session.key.toString('base64url')}`;

  const show = (ctx: Context, form?: FormState) =>
    pages.render(ctx, 'account/passkey-add', {
      suggestion: describeAgent(ctx.get('user-agent')) ?? '',
      ...(form && { form: { ...form, values: { ...form.values, response: '' } } }),
    });

  router.get(ADD, async (ctx) => {
    if (await gate.fresh(ctx, ADD)) show(ctx);
  });

  router.post('/account/security/passkeys/options', async (ctx) => {
    ctx.state.api = true;
    const me = await gate.freshOrRefused(ctx);
    const { citizen } = me;
    ctx.body = await startPasskeyEnrolment(db, party, {
      citizenId: citizen.id,
      context: contextOf(me),
      userName: citizen.username ?? citizen.name,
      displayName: citizen.name,
      now: clock(),
    });
  });

  router.post(ADD, async (ctx) => {
    const me = await gate.fresh(ctx, ADD);
    if (!me) return;
    const posted = formOf(ctx, Added);
    if (!posted.ok) return show(ctx, posted.form);
    const response = parseAnswer(posted.data.response);
    const added = await db.transaction(async (tx) => {
      await gate.hold(tx, me);
      const now = clock();
      const citizenId = me.citizen.id;
      const { level } = me;
      const id =
        response &&
        (await finishPasskeyEnrolment(tx, party, {
          citizenId,
          context: contextOf(me),
          response,
          label: posted.data.label,
          boundLevel: level,
          now,
        }));
      if (id === undefined) return false;
      await record(tx, { type: 'credential.added', citizenId, detail: { kind: 'passkey', level }, at: now });
      await tell(deps, tx, ctx, { phone: me.citizen.phone, what: 'passkeyAdded' });
      return true;
    });
    if (added) return backToSecurity(ctx, 'passkeyAdded');
    posted.form.errors[''] = 'account.passkey.failed';
    show(ctx, posted.form);
  });
}
