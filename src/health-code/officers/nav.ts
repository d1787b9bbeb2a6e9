import type { Context } from 'koa';
import type { Pages } from '../../platform/pages.ts';
import type { Officer } from './gate.ts';
import type { Role } from './roles.ts';

/** The officers' pages, and who sees each. */
export const OFFICER_PAGES: Record<string, readonly Role[]> = {
  appeals: ['health_officer'],
  orders: ['health_officer', 'health_approver'],
  venues: ['health_officer'],
  visits: ['health_officer', 'health_approver'],
  outages: ['health_officer', 'health_approver'],
  exchange: ['health_officer', 'health_approver'],
  'rule-sets': ['rule_signer', 'health_officer', 'health_approver'],
  activations: ['activation_approver'],
};

export const mayOpen = (officer: Pick<Officer, 'roles'>, page: string): boolean =>
  (OFFICER_PAGES[page] ?? []).some((role) => officer.roles.has(role));

/** The links between the officers' pages: those that this officer may open. */
export const officerNav = (pages: Pages, ctx: Context, officer: Officer, current: string) =>
  ['home', ...Object.keys(OFFICER_PAGES).filter((page) => mayOpen(officer, page))].map((page) => ({
    href: page === 'home' ? '/health/officer' : `/health/officer/${page}`,
    label: pages.t(ctx)(`healthOffice.nav.${page}`),
    current: page === current,
  }));
