import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { recordProof } from '../../assurance/store.ts';
import { record } from '../../audit/log.ts';
import { usePassword, verifyPassword } from '../../citizens/password.ts';
import { canonicalIdentifier, findByIdentifier, readCitizen } from '../../citizens/store.ts';
import { formOf } from '../../platform/http/forms.ts';
import { barTo } from '../account-bars.ts';
import type { FrontDoorDeps } from '../deps.ts';
import type { Interaction } from '../door.ts';
import { isLifted } from '../lifted.ts';
import { maskName } from '../masked.ts';
import { backToLogin, interactionPath, seeOther } from '../paths.ts';
import { showStop, switchAction } from '../stop.ts';
import { beginAttempt, forgetAttempt, readAttempt } from './attempts.ts';

const Credentials = z.object({
  username: z.string().trim().min(1, 'frontDoor.login.usernameMissing').max(200, 'frontDoor.login.wrong'),
  password: z.string().min(1, 'frontDoor.login.passwordMissing').max(1000, 'frontDoor.login.wrong'),
});

/** Page 1 of the login: user name and password, or a passkey. */
export function loginRoutes(router: Router, deps: FrontDoorDeps) {
  const { db, cipher, clock, pages, door, limits } = deps;

  /** Shows page 1. Somebody who is logged in is greeted and only confirms the password. */
  async function show(ctx: Context, interaction: Interaction, form?: object): Promise<void> {
    const switching = ctx.query.switch !== undefined;
    const who =
      interaction.session && !switching
        ? await readCitizen(db, cipher, interaction.session.citizenId)
        : undefined;
    pages.render(ctx, 'front-door/login', {
      interaction,
      base: interactionPath(interaction.uid),
      who: who && maskName(who.name),
      form: form ?? {
        values: { username: who?.username ?? (switching ? '' : (interaction.loginHint ?? '')) },
        errors: {},
      },
    });
  }

  router.get('/interaction/:uid/login', async (ctx) => show(ctx, await door.details(ctx)));

  router.post('/interaction/:uid/login', async (ctx) => {
    const interaction = await door.details(ctx);
    const parsed = formOf(ctx, Credentials);
    if (!parsed.ok) return show(ctx, interaction, parsed.form);
    const { username, password } = parsed.data;
    const now = clock();
    const found = await findByIdentifier(db, cipher, username);
    // By network and by name within the network: a name alone would let anybody lock anybody out. By what was
    // typed and not by whose it is: a limit that two names share would tell that they are one person's.
    const attempt = `${ctx.ip} ${canonicalIdentifier(username)}`;
    const counts = !(await isLifted(deps, username));
    if (counts) {
      backToLogin(ctx, `${interactionPath(interaction.uid)}/login`);
      await limits.consume('login_network', ctx.ip);
      await limits.consume('login', attempt);
    }
    const credential = await verifyPassword(db, found?.citizenId, password);
    if (found === undefined || credential === undefined) {
      await record(db, {
        type: 'login.failed',
        clientId: interaction.client.id,
        ...(found && { citizenId: found.citizenId }),
        detail: { factor: 'password', reason: 'wrong_credential' },
        at: now,
      });
      // One sentence for an unknown name and for a wrong password, after the same work.
      parsed.form.errors.password = 'frontDoor.login.wrong';
      return show(ctx, interaction, parsed.form);
    }
    if (counts) {
      await limits.refund('login_network', ctx.ip);
      await limits.refund('login', attempt);
    }
    const { citizenId } = found;
    const bar = barTo(await readCitizen(db, cipher, citizenId));
    if (bar) return showStop(deps, ctx, bar, [switchAction(interactionPath(interaction.uid))]);
    const used = await db.transaction(async (tx) => {
      if (!(await usePassword(tx, { citizenId, changedAt: credential.changedAt, now }))) return false;
      await recordProof(tx, {
        citizenId,
        interactionUid: interaction.uid,
        method: 'password',
        at: now,
        boundLevel: credential.boundLevel,
      });
      await beginAttempt(tx, { interactionUid: interaction.uid, citizenId, now });
      await record(tx, {
        type: 'proof.recorded',
        citizenId,
        clientId: interaction.client.id,
        detail: { method: 'password' },
        at: now,
      });
      return true;
    });
    if (!used) {
      parsed.form.errors.password = 'frontDoor.login.wrong';
      return show(ctx, interaction, parsed.form);
    }
    seeOther(ctx, `${interactionPath(interaction.uid)}/code`);
  });

  router.post('/interaction/:uid/switch', async (ctx) => {
    const interaction = await door.details(ctx);
    await forgetAttempt(db, interaction.uid);
    seeOther(ctx, `${interactionPath(interaction.uid)}/login?switch=1`);
  });

  /** The first page of a login; page 2 when this browser has page 1 behind it. */
  return async (ctx: Context): Promise<void> => {
    const interaction = await door.details(ctx);
    const attempt = await readAttempt(db, interaction.uid, clock());
    if (attempt?.passwordAt) return seeOther(ctx, `${interactionPath(interaction.uid)}/code`);
    return show(ctx, interaction);
  };
}
