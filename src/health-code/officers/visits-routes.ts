import type Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { recordAccess } from '../../audit/access-log.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { FormState } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { requireActivation } from '../activation.ts';
import {
  approveReidentification,
  listReidentifications,
  type Reidentification,
  readReidentification,
  readVisits,
  refuseReidentification,
  requestReidentification,
} from '../door/reidentify.ts';
import { venueName } from '../door/venues.ts';
import { parseInstant } from '../engine/instant.ts';
import { maskName } from '../people.ts';
import { plainText } from '../plain-text.ts';
import { recordId } from '../record-id.ts';
import { formPage, rowButton } from './form-page.ts';
import { type Officer, type OfficerDeps, type OfficerPage, officerGate } from './gate.ts';
import { OFFICER_PAGES, officerNav } from './nav.ts';
import { searchVenues } from './venue-search.ts';

const LIST = '/health/officer/visits';
const required = 'platform.form.required';
const LONGEST_MS = 24 * 3_600_000;

/** What `input type=datetime-local` sends, in China's time. */
const local = z
  .string(required)
  .min(1, 'healthOffice.visits.errors.time')
  .max(19)
  .transform((text) => parseInstant(`${text}${text.length === 16 ? ':00' : ''}+08:00`));

const VisitsForm = z.object({
  venue: z.guid('healthOffice.visits.errors.venue'),
  from: local,
  to: local,
  grounds: plainText({ min: 5, max: 500, missing: 'healthOffice.visits.errors.grounds' }),
});

/** `/health/officer/visits`: who was at a venue, asked by one officer and approved by another. */
export function visitsRoutes(router: Router, deps: OfficerDeps): void {
  const { db, cipher, pages } = deps;
  const gate = officerGate(deps);
  const whileOn =
    (page: OfficerPage): OfficerPage =>
    async (ctx, officer) => {
      await requireActivation(db, officer.now);
      await page(ctx, officer);
    };
  const page = { path: LIST, roles: OFFICER_PAGES.visits ?? [], when: whileOn };

  async function show(ctx: Context, officer: Officer, form?: FormState): Promise<void> {
    pages.render(ctx, 'health-code/officer/visits', {
      nav: officerNav(pages, ctx, officer, 'visits'),
      ...(await searchVenues(ctx, db)),
      requests: await listReidentifications(db),
      me: officer.actor,
      done: ['requested', 'approved', 'refused'].find((done) => done === ctx.query.done),
      form,
    });
  }
  formPage(router, gate, page, {
    form: VisitsForm,
    show,
    async read({ venue, from, to, grounds }, { now }, errors) {
      if ((await venueName(db, venue)) === undefined) {
        errors.venue = 'healthOffice.visits.errors.venue';
      }
      if (from === undefined) errors.from = 'healthOffice.visits.errors.time';
      if (to === undefined || to > now.getTime()) errors.to = 'healthOffice.visits.errors.time';
      else if (from !== undefined && (to <= from || to - from > LONGEST_MS)) {
        errors.to = 'healthOffice.visits.errors.long';
      }
      if (from === undefined || to === undefined) return undefined;
      return { venueId: venue, from: new Date(from), to: new Date(to), grounds };
    },
    async act(wish, { actor: officer, now }) {
      await db.transaction((tx) => requestReidentification(tx, { ...wish, officer, now }));
      return 'requested';
    },
  });
  const button = (
    name: string,
    done: string,
    act: (by: { id: string; officer: string; now: Date }) => Promise<unknown>,
  ) =>
    rowButton(router, gate, page, {
      name,
      done,
      act: (id, { actor: officer, now }) => act({ id, officer, now }),
    });
  button('approve', 'approved', (by) => approveReidentification(db, cipher, by));
  button('refuse', 'refused', (by) => refuseReidentification(db, by));

  router.get(
    `${LIST}/:id`,
    gate.form(
      page.roles,
      whileOn(async (ctx, officer) => {
        const request = await readReidentification(db, recordId(ctx.params.id));
        const part = request && [request.requestedBy, request.decidedBy].includes(officer.actor);
        if (request?.state !== 'approved') throw new Problem('health_no_record', 404);
        if (!part) throw new Problem('health_not_officer', 403);
        pages.render(ctx, 'health-code/officer/visit', {
          nav: officerNav(pages, ctx, officer, 'visits'),
          request,
          people: await peopleOf(request, officer.now),
        });
      }),
    ),
  );

  /** Whom to call, and how: each of them sees that somebody looked. */
  async function peopleOf({ id }: Reidentification, at: Date) {
    const visits = await readVisits(db, id);
    return db.transaction(async (tx) => {
      const people: { name: string; lastTwo: string; phone: string; firstAt: Date; lastAt: Date }[] = [];
      for (const { citizenId, firstAt, lastAt } of visits) {
        const citizen = await readCitizen(tx, cipher, citizenId);
        if (!citizen) continue;
        const { name, idNumber, phone = '' } = citizen;
        people.push({ name: maskName(name), lastTwo: idNumber.slice(-2), phone, firstAt, lastAt });
        const seen = { citizenId, clientId: 'health_office', purpose: 'health_tracing', at };
        await recordAccess(tx, { ...seen, what: ['name', 'phone_number', 'venue_visit'] });
      }
      return people;
    });
  }
}
