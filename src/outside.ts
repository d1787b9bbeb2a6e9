import { createCards } from './authorities/cards.ts';
import { createCarrier, createStayCarrier } from './authorities/carrier.ts';
import { createHousehold } from './authorities/household.ts';
import { createRedirectCheck } from './authorities/redirect-check.ts';
import { createRegister } from './authorities/register.ts';
import { createSmsGateway } from './authorities/sms.ts';
import type { Settings } from './environment.ts';

/** The outside sources of truth, at the addresses of the environment. */
export function openAuthorities({ authoritiesUrl: at, smsUrl }: Settings) {
  return {
    register: createRegister(at, fetch),
    carrier: createCarrier(at, fetch),
    stayCarrier: createStayCarrier(at, fetch),
    household: createHousehold(at, fetch),
    cards: createCards(at, fetch),
    redirectCheck: createRedirectCheck(at, fetch),
    sms: createSmsGateway(smsUrl, fetch),
  };
}

export type Authorities = ReturnType<typeof openAuthorities>;
