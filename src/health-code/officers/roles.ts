import { healthSettings } from '../settings.ts';

/** What an officer may do. One person may have several roles, never both sides of one act. */
export const ROLES = [
  /** Decides appeals, asks for orders. */
  'health_officer',
  /** Approves orders that others ask for, looks at alarms. */
  'health_approver',
  /** One of the two who sign a rule set. */
  'rule_signer',
  /** One of the two who switch the health code on; either switches it off. */
  'activation_approver',
  /** Gets a message when an order touches many people. Sees nothing. */
  'alarm_contact',
] as const;
export type Role = (typeof ROLES)[number];

/** Roles that decide about people's health, or see who was where: for officers of health organisations only. */
const OF_HEALTH: readonly Role[] = ['health_officer', 'health_approver'];

/** Whether a role can be had for an organisation of that kind (`config/health-code/settings.json`). */
export const mayHave = (role: Role, orgType: OrgType): boolean =>
  !OF_HEALTH.includes(role) || healthSettings.officers.organisations.includes(orgType);

/** Kinds of organisation. Which of them may give orders says the rule set as well. */
export const ORG_TYPES = ['health', 'cdc', 'government', 'transport', 'police', 'community'] as const;
export type OrgType = (typeof ORG_TYPES)[number];
