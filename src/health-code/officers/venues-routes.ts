import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { addDevice, disableDevice, disableVenue, registerVenue } from '../door/venues.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { healthSettings } from '../settings.ts';
import { formPage, rowButton, seeDone } from './form-page.ts';
import { type Officer, type OfficerDeps, officerGate } from './gate.ts';
import { OFFICER_PAGES, officerNav } from './nav.ts';
import { searchVenues } from './venue-search.ts';

const LIST = '/health/officer/venues';
const required = 'platform.form.required';

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
  const page = { path: LIST, roles: OFFICER_PAGES.venues ?? [] };

  async function show(
    ctx: Context,
    officer: Officer,
    form?: FormState,
    made?: { venueId: string; credential: string },
  ): Promise<void> {
    pages.render(ctx, 'health-code/officer/venues', {
      nav: officerNav(pages, ctx, officer, 'venues'),
      ...(await searchVenues(ctx, db)),
      region: healthSettings.region,
      made,
      done: ['registered', 'disabled'].find((done) => done === ctx.query.done),
      form,
    });
  }
  formPage(router, gate, page, {
    form: VenueForm,
    show,
    read: (typed) => typed,
    async act(typed, { actor: by, now }) {
      await db.transaction((tx) => registerVenue(tx, { ...typed, by, now }));
      return 'registered';
    },
  });
  router.post(
    `${LIST}/:id/devices`,
    gate.act(
      page.roles,
      async (ctx, officer) => {
        const posted = formOf(ctx, DeviceForm);
        if (!posted.ok) return show(ctx, officer, posted.form);
        const venueId = recordId(ctx.params.id);
        const device = { venueId, label: posted.data.label, by: officer.actor, now: officer.now };
        const credential = await db.transaction((tx) => addDevice(tx, device));
        await show(ctx, officer, undefined, { venueId, credential });
      },
      () => LIST,
    ),
  );
  rowButton(router, gate, page, {
    name: 'disable',
    done: 'disabled',
    async act(venueId, { actor: by, now }) {
      if (!(await db.transaction((tx) => disableVenue(tx, { venueId, by, now })))) {
        throw new Problem('health_no_record', 404);
      }
    },
  });
  router.post(
    `${LIST}/devices/:id/disable`,
    gate.act(
      page.roles,
      async (ctx, { actor: by, now }) => {
        const deviceId = String(ctx.params.id);
        const known = /^[0-9A-Z]{8}$/.test(deviceId);
        if (!known || !(await db.transaction((tx) => disableDevice(tx, { deviceId, by, now })))) {
          throw new Problem('health_no_record', 404);
        }
        seeDone(ctx, LIST, 'disabled');
      },
      () => LIST,
    ),
  );
}
