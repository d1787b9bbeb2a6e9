import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { addDevice, disableDevice, disableVenue, listVenues, registerVenue } from '../door/venues.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { healthSettings } from '../settings.ts';
import { type Officer, type OfficerDeps, officerGate } from './gate.ts';
import { OFFICER_PAGES, officerNav } from './nav.ts';

const LIST = '/health/officer/venues';
const required = 'platform.form.required';
const MOST_SHOWN = 200;

const VenueForm = z.object({
  name: plainText({ max: 100, missing: required }),
  region: z
    .string(required)
    .trim()
    .regex(/^\d{6}$/, 'healthOffice.activation.errors.region'),
});
const DeviceForm = z.object({ label: plainText({ max: 100, missing: required }) });

/** `/health/officer/venues`: who may check codes. A device's credential is shown once, when it is made. */
export function venuesRoutes(router: Router, deps: OfficerDeps): void {
  const { db, pages } = deps;
  const gate = officerGate(deps);
  const roles = OFFICER_PAGES.venues ?? [];

  async function show(
    ctx: Context,
    officer: Officer,
    { form, made }: { form?: FormState; made?: { venueId: string; credential: string } } = {},
  ): Promise<void> {
    pages.render(ctx, 'health-code/officer/venues', {
      nav: officerNav(pages, ctx, officer, 'venues'),
      venues: await listVenues(db, MOST_SHOWN),
      region: healthSettings.region,
      made,
      done: ['registered', 'disabled'].find((done) => done === ctx.query.done),
      form,
    });
  }
  const back = (ctx: Context, done: string) => {
    ctx.status = 303;
    ctx.redirect(`${LIST}?done=${done}`);
  };

  router.get(
    LIST,
    gate.form(roles, (ctx, officer) => show(ctx, officer)),
  );
  router.post(
    LIST,
    gate.act(roles, async (ctx, officer) => {
      const posted = formOf(ctx, VenueForm);
      if (!officer.fresh) posted.form.errors[''] = 'healthOffice.loginOld';
      if (!posted.ok || !officer.fresh) return show(ctx, officer, { form: posted.form });
      const venue = { ...posted.data, by: officer.actor, now: officer.now };
      await db.transaction((tx) => registerVenue(tx, venue));
      back(ctx, 'registered');
    }),
  );
  router.post(
    `${LIST}/:id/devices`,
    gate.act(
      roles,
      async (ctx, officer) => {
        const posted = formOf(ctx, DeviceForm);
        if (!posted.ok) return show(ctx, officer, { form: posted.form });
        const venueId = recordId(ctx.params.id);
        const device = { venueId, label: posted.data.label, by: officer.actor, now: officer.now };
        const credential = await db.transaction((tx) => addDevice(tx, device));
        await show(ctx, officer, { made: { venueId, credential } });
      },
      () => LIST,
    ),
  );
  router.post(
    `${LIST}/:id/disable`,
    gate.act(
      roles,
      async (ctx, { actor: by, now }) => {
        const venueId = recordId(ctx.params.id);
        if (!(await db.transaction((tx) => disableVenue(tx, { venueId, by, now })))) {
          throw new Problem('health_no_record', 404);
        }
        back(ctx, 'disabled');
      },
      () => LIST,
    ),
  );
  router.post(
    `${LIST}/devices/:id/disable`,
    gate.act(
      roles,
      async (ctx, { actor: by, now }) => {
        const deviceId = String(ctx.params.id);
        const known = /^[0-9A-Z]{8}$/.test(deviceId);
        if (!known || !(await db.transaction((tx) => disableDevice(tx, { deviceId, by, now })))) {
          throw new Problem('health_no_record', 404);
        }
        back(ctx, 'disabled');
      },
      () => LIST,
    ),
  );
}
