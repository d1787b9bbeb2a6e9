import site from '../../../config/site.json' with { type: 'json' };
import type { TellLate } from '../../assurance/proofing/flow.ts';
import { readCitizen } from '../../citizens/store.ts';
import type { Cipher } from '../../platform/field-encryption.ts';
import type { Translate } from '../../platform/i18n.ts';
import { post } from '../../platform/outbox.ts';

/**
 * Tells a citizen by SMS what was decided of a check after they had left the page, and what to do next. Whoever
 * turned back knows.
 */
export const tellLate =
  ({ cipher, t }: { cipher: Cipher; t: Translate }): TellLate =>
  async (tx, { citizenId, method, outcome, now }) => {
    if (outcome.outcome === 'refused' && outcome.reason === 'cancelled') return;
    const { phone } = (await readCitizen(tx, cipher, citizenId)) ?? {};
    if (phone === undefined) return;
    const nobody = outcome.outcome === 'refused' && outcome.reason === 'stale';
    const text = t(`stepUp.late.${nobody ? 'undecided' : outcome.outcome}`, {
      method: t(`stepUp.method.${method}.name`),
      phone: site.helpPhone,
    });
    await post(tx, cipher, { channel: 'sms', to: phone, text, kind: 'proofing_decided', now });
  };
