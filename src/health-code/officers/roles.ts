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

/** Kinds of organisation. Which of them may give orders says the rule set. */
export const ORG_TYPES = ['health', 'cdc', 'government', 'transport', 'police', 'community'] as const;
export type OrgType = (typeof ORG_TYPES)[number];
