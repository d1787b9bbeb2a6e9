import type { AuthorityUnavailable } from './authorities/ask.ts';
import { createCards } from './authorities/cards.ts';
import { createCarrier, createStayCarrier } from './authorities/carrier.ts';
import { createHousehold } from './authorities/household.ts';
import { createRedirectCheck } from './authorities/redirect-check.ts';
import { createRegister } from './authorities/register.ts';
import { createSmsGateway } from './authorities/sms.ts';
import type { Settings } from './environment.ts';
import type { Log } from './platform/log.ts';

/** The outside sources of truth, at the addresses of the environment. */
export function openAuthorities(
  { authoritiesUrl: at, smsUrl, checkOrigins }: Settings,
  log: Pick<Log, 'warn'>,
) {
  const options = {
    onUnavailable: (error: AuthorityUnavailable) => log.warn({ err: error }, 'an authority gave no answer'),
  };
  return {
    register: createRegister(at, fetch, options),
    carrier: createCarrier(at, fetch, options),
    stayCarrier: createStayCarrier(at, fetch, options),
    household: createHousehold(at, fetch, options),
    cards: createCards(at, fetch, options),
    redirectCheck: createRedirectCheck(at, fetch, checkOrigins, options),
    sms: createSmsGateway(smsUrl, fetch, options),
  };
}

export type Authorities = ReturnType<typeof openAuthorities>;
