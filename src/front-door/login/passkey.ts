import type Router from '@koa/router';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { Context } from 'koa';
import { z } from 'zod';
import { recordProof } from '../../assurance/store.ts';
import { record } from '../../audit/log.ts';
import { finishPasskeyLogin, relyingPartyOf, startPasskeyLogin } from '../../citizens/passkey.ts';
import { readCitizen } from '../../citizens/store.ts';
import { formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { barTo } from '../account-bars.ts';
import type { FrontDoorDeps } from '../deps.ts';
import { interactionPath, seeOther } from '../paths.ts';
import { showStop, switchAction } from '../stop.ts';
import { finishAttempt, readAttempt } from './attempts.ts';

const text = z.string().max(20_000);

/** The answer of an authenticator (WebAuthn Level 3, AuthenticationResponseJSON), as far as it is looked at. */
const Assertion = z.looseObject({
  id: text,
  rawId: text,
  type: z.literal('public-key'),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
  response: z.looseObject({
    clientDataJSON: text,
    authenticatorData: text,
    signature: text,
    userHandle: text.optional(),
  }),
});

const Form = z.object({ response: text.min(1) });

function assertionOf(raw: string): AuthenticationResponseJSON | undefined {
  try {
    const parsed = Assertion.safeParse(JSON.parse(raw));
    return parsed.success ? (parsed.data as AuthenticationResponseJSON) : undefined;
  } catch {
    return undefined;
  }
}

/** The login in one step: a passkey with user verification. */
export function passkeyRoutes(router: Router, deps: FrontDoorDeps): void {
  const { db, cipher, clock, door, limits } = deps;
  const party = relyingPartyOf(deps.origin, deps.passkeyName);
  const contextOf = (uid: string): string => `interaction ${uid}`;

  router.post('/interaction/:uid/passkey/options', async (ctx) => {
    ctx.state.api = true;
    const { uid } = await door.details(ctx);
    await limits.consume('login_network', ctx.ip);
    ctx.body = await startPasskeyLogin(db, party, { context: contextOf(uid), now: clock() });
  });

  async function finish(ctx: Context): Promise<void> {
    const { uid, client } = await door.details(ctx);
    const base = interactionPath(uid);
    const now = clock();
    /** Who has logged in here: a second click, or Back after the login. */
    const finishedBy = async () => {
      const attempt = await readAttempt(db, uid, now);
      return attempt?.finishedAt && attempt.citizenId;
    };
    const already = await finishedBy();
    if (already) return door.loggedIn(ctx, { citizenId: already });
    const parsed = formOf(ctx, Form);
    const response = parsed.ok ? assertionOf(parsed.data.response) : undefined;
    const login = await db.transaction(async (tx) => {
      const used =
        response && (await finishPasskeyLogin(tx, party, { context: contextOf(uid), response, now }));
      if (!used) {
        const detail = { factor: 'passkey', reason: 'wrong_credential' } as const;
        await record(tx, { type: 'login.failed', clientId: client.id, detail, at: now });
        return undefined;
      }
      const citizen = await readCitizen(tx, cipher, used.citizenId);
      const bar = barTo(citizen);
      if (bar) return { bar };
      const { citizenId } = used;
      await recordProof(tx, {
        citizenId,
        interactionUid: uid,
        method: 'passkey',
        at: now,
        boundLevel: used.boundLevel,
        credentialId: used.credentialId,
        userVerified: used.userVerified,
        hardware: used.hardware,
      });
      await finishAttempt(tx, { interactionUid: uid, citizenId, now });
      const detail = { method: 'passkey' } as const;
      await record(tx, { type: 'proof.recorded', citizenId, clientId: client.id, detail, at: now });
      return { citizenId };
    });
    if (login?.bar) return showStop(deps, ctx, login.bar, [switchAction(base)]);
    if (login?.citizenId) {
      // Who it would be was not known when it was counted.
      await limits.refund('login_network', ctx.ip);
      return door.loggedIn(ctx, { citizenId: login.citizenId });
    }
    // Sent twice at once: the other one has used the challenge up, and is the login.
    const other = await finishedBy();
    if (other) return door.loggedIn(ctx, { citizenId: other });
    return showStop(deps, ctx, new Problem('passkey_failed', 422), [
      { label: 'frontDoor.passkey.otherWay', href: `${base}/login` },
    ]);
  }

  router.post('/interaction/:uid/passkey', finish);
  // A change of language on the page of a failure comes back here.
  router.get('/interaction/:uid/passkey', async (ctx) =>
    seeOther(ctx, `${interactionPath((await door.details(ctx)).uid)}/login`),
  );
}
