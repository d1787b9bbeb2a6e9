import type Router from '@koa/router';
import type { Context } from 'koa';
import { recordAccess } from '../../audit/access-log.ts';
import { record } from '../../audit/log.ts';
import { readCitizen } from '../../citizens/store.ts';
import { departmentName } from '../../departments/department-name.ts';
import type { Queryable } from '../../platform/database.ts';
import { type FormState, formOf } from '../../platform/http/forms.ts';
import { Problem } from '../../platform/problem.ts';
import { requireActivation } from '../activation.ts';
import { withRules } from '../citizen-page.ts';
import { dayOf, formatDay } from '../engine/civil-day.ts';
import { type Officer, type OfficerDeps, type OfficerPage, officerGate } from '../officers/gate.ts';
import { officerNav } from '../officers/nav.ts';
import type { Role } from '../officers/roles.ts';
import { maskName } from '../people.ts';
import { recordId } from '../record-id.ts';
import { rulesInForce } from '../rules-in-force.ts';
import { openAlarms, seeAlarms } from './alarm.ts';
import { OrderForm, readOrderForm } from './form.ts';
import {
  type Actor,
  approveOrder,
  type OrderTools,
  refuseOrder,
  requestOrder,
  withdrawOrder,
} from './order.ts';
import { citizensOf, readOrder, readOrders } from './store.ts';

const LIST = '/health/officer/orders';
const ASK: readonly Role[] = ['health_officer', 'health_approver'];
const APPROVE: readonly Role[] = ['health_approver'];
/** Of more people than this nobody sees who they are. */
const MOST_SHOWN = 20;

/** `/health/officer/orders`: one officer asks for an order, another one approves it. */
export function orderRoutes(router: Router, deps: OfficerDeps): void {
  const { db, cipher, pages } = deps;
  const gate = officerGate(deps);
  const toolsAt = async (now: Date): Promise<OrderTools> => ({
    cipher,
    t: pages.texts.translator('zh-CN'),
    rules: await withRules(() => rulesInForce(db, now)),
  });
  const actorOf = (officer: Officer, roles: readonly Role[]): Actor => {
    const as = officer.as(...roles);
    if (!as) throw new Problem('health_not_officer', 403);
    return { officer, as };
  };
  /** Orders are given while the health code is on; ending one is always possible. */
  const whileOn =
    (page: OfficerPage): OfficerPage =>
    async (ctx, officer) => {
      await requireActivation(db, officer.now);
      await page(ctx, officer);
    };

  router.get(
    LIST,
    gate.look(ASK, async (ctx, officer) => {
      pages.render(ctx, 'health-code/officer/orders', {
        nav: officerNav(pages, ctx, officer, 'orders'),
        orders: await readOrders(db),
        alarms: await openAlarms(db),
        now: officer.now,
        done: ['requested', 'approved', 'refused', 'withdrawn', 'seen'].find(
          (done) => done === ctx.query.done,
        ),
      });
    }),
  );

  const showForm = async (ctx: Context, officer: Officer, form?: FormState) => {
    const { rules } = await toolsAt(officer.now);
    const as = officer.as(...ASK);
    pages.render(ctx, 'health-code/officer/order-new', {
      nav: officerNav(pages, ctx, officer, 'orders'),
      organisation: as && (await departmentName(db, as.organisation, ctx.state.locale)),
      allowed: as !== undefined && rules.overrides.orgTypes.includes(as.orgType),
      longest: rules.overrides.longestDays,
      alarmAbove: rules.overrides.alarmAbove,
      today: formatDay(dayOf(officer.now.getTime())),
      form,
    });
  };
  router.get(`${LIST}/new`, gate.form(ASK, whileOn(showForm)));
  router.post(
    `${LIST}/new`,
    gate.act(
      ASK,
      whileOn(async (ctx, officer) => {
        const tools = await toolsAt(officer.now);
        const posted = formOf(ctx, OrderForm);
        const { errors } = posted.form;
        if (!officer.fresh) errors[''] = 'healthOffice.loginOld';
        const rules = {
          now: officer.now,
          longestDays: tools.rules.overrides.longestDays,
          cipher,
          extraProvinces: deps.extraProvinces,
        };
        const order = posted.ok ? readOrderForm(posted.data, rules, errors) : undefined;
        if (!order) return showForm(ctx, officer, posted.form);
        const request = { actor: actorOf(officer, ASK), order, now: officer.now };
        let id: string;
        try {
          id = await db.transaction((tx) => requestOrder(tx, tools, request));
        } catch (error) {
          if (!(error instanceof Problem && error.code === 'health_own_case')) throw error;
          errors.people = 'healthOffice.order.errors.ownCase';
          return showForm(ctx, officer, posted.form);
        }
        ctx.status = 303;
        ctx.redirect(`${LIST}/${id}?done=requested`);
      }),
    ),
  );

  router.get(
    `${LIST}/:id`,
    gate.form(ASK, async (ctx, officer) => {
      const order = await readOrder(db, recordId(ctx.params.id));
      if (!order) throw new Problem('health_no_record', 404);
      const own = order.approver1 === officer.citizenId;
      const gave = own || order.approver2 === officer.citizenId;
      const alarms = (await openAlarms(db)).filter(({ orderId }) => orderId === order.id);
      const waits = order.state === 'requested' && order.to > officer.now;
      pages.render(ctx, 'health-code/officer/order', {
        nav: officerNav(pages, ctx, officer, 'orders'),
        order: { ...order, organisation: await departmentName(db, order.organisation, ctx.state.locale) },
        own,
        mayDecide: waits && !own && officer.roles.has('health_approver'),
        mayWithdraw:
          ['requested', 'approved'].includes(order.state) &&
          order.to > officer.now &&
          (own || officer.roles.has('health_approver')),
        alarms,
        maySee: alarms.length > 0 && !gave && officer.roles.has('health_approver'),
        people: waits && order.people <= MOST_SHOWN ? await peopleOf(officer, order.id) : undefined,
        officers: await namesOf([order.approver1, order.approver2]),
        now: officer.now,
        done: ctx.query.done === 'requested' ? 'requested' : undefined,
      });
    }),
  );

  /** Whom a small order is about, masked; each of them sees that somebody looked. */
  async function peopleOf(officer: Officer, orderId: string) {
    const citizens = await citizensOf(db, orderId, MOST_SHOWN);
    return db.transaction(async (tx) => {
      const shown: { name: string; lastTwo: string }[] = [];
      for (const citizenId of citizens) {
        const citizen = await readCitizen(tx, cipher, citizenId);
        if (!citizen) continue;
        shown.push({ name: maskName(citizen.name), lastTwo: citizen.idNumber.slice(-2) });
        const seen = { citizenId, clientId: 'health_office', purpose: 'health_order', at: officer.now };
        await recordAccess(tx, { ...seen, what: ['name', 'health_order'] });
        await record(tx, {
          type: 'health.override_seen',
          citizenId,
          actor: officer.actor,
          at: officer.now,
        });
      }
      return shown;
    });
  }

  const namesOf = (ids: readonly (string | undefined)[]): Promise<(string | undefined)[]> =>
    Promise.all(
      ids.map(async (id) => {
        const citizen = id?.includes('-') && id.length === 36 ? await readCitizen(db, cipher, id) : undefined;
        return citizen && maskName(citizen.name);
      }),
    );

  const button = (
    name: string,
    done: string,
    roles: readonly Role[],
    act: (
      tx: Queryable,
      tools: OrderTools,
      order: { actor: Actor; id: string; now: Date },
    ) => Promise<unknown>,
    page: (work: OfficerPage) => OfficerPage,
  ) =>
    router.post(
      `${LIST}/:id/${name}`,
      gate.act(
        roles,
        page(async (ctx, officer) => {
          const tools = await toolsAt(officer.now);
          const order = { actor: actorOf(officer, roles), id: recordId(ctx.params.id), now: officer.now };
          await withRules(() => db.transaction((tx) => act(tx, tools, order)));
          ctx.status = 303;
          ctx.redirect(`${LIST}?done=${done}`);
        }),
        (ctx) => `${LIST}/${recordId(ctx.params.id)}`,
      ),
    );
  const always = (page: OfficerPage) => page;
  button('approve', 'approved', APPROVE, approveOrder, whileOn);
  button('refuse', 'refused', APPROVE, refuseOrder, always);
  button('withdraw', 'withdrawn', ASK, withdrawOwnOrAny, always);
  button(
    'seen',
    'seen',
    APPROVE,
    (tx, _, { actor, id, now }) => seeAlarms(tx, { orderId: id, officer: actor.officer, now }),
    always,
  );

  /** An officer withdraws what they asked for themselves; an approver withdraws anything. */
  async function withdrawOwnOrAny(
    tx: Queryable,
    tools: OrderTools,
    order: { actor: Actor; id: string; now: Date },
  ): Promise<void> {
    const { actor, id } = order;
    const found = await readOrder(tx, id);
    if (!found) throw new Problem('health_no_record', 404);
    const approver = (actor.officer as Officer).roles.has('health_approver');
    if (found.approver1 !== actor.officer.citizenId && !approver)
      throw new Problem('health_not_officer', 403);
    await withdrawOrder(tx, tools, order);
  }
}
