import test from 'ava';
import { decodeJwt } from 'jose';
import { type Answer, startProtocol } from '../support/protocol.ts';
import { claimsOf, type Details, essential, logIn, portal, relyingParty } from '../support/relying-party.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const API = 'https://open.example/api';
const JWT_API = 'https://open.example/jwt';

const mixed = JSON.stringify({
  id_token: { acr: { essential: true, values: [acr('basic'), acr('advanced')] } },
  userinfo: { acr: { essential: true, value: acr('advanced') } },
});

type Params = Record<string, string>;

/** Empty: the parameter is not sent. */
const CHOICES: Params[][] = [
  [{}, { acr_values: `${acr('advanced')} ${acr('intermediate')}` }],
  [{}, { claims: essential('advanced') }, { claims: mixed }],
  [{}, { max_age: '0' }, { prompt: 'none' }, { prompt: 'login' }, { prompt: 'consent' }],
  [{}, { resource: API, scope: 'openid api:read' }, { resource: JWT_API, scope: 'openid jwt:read' }],
];

const combinations = CHOICES.reduce<Params[]>(
  (all, choices) => all.flatMap((one) => choices.map((choice) => ({ ...one, ...choice }))),
  [{}],
);

test('a basic session obtains basic tokens and never more, whatever it sends and answers', async (t) => {
  const platform = await startProtocol(t, {
    clients: [
      portal('city-a', {
        resources: [
          { identifier: API, scope: 'api:read' },
          { identifier: JWT_API, scope: 'jwt:read', access_token_format: 'jwt' },
        ],
      }),
    ],
  });
  // The account could be advanced; the session is not, because its credentials were enrolled at basic.
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  const { id_token: hint } = await party.signIn(jar, {}, [logIn(citizenId, 'basic')]);
  /** What somebody does who can log in at basic and nothing more. */
  const answer = ({ prompt, optional }: Details): Answer => {
    if (prompt === 'login') return logIn(citizenId, 'basic');
    if (prompt === 'consent') return { act: 'consent', allowed: [] };
    return optional ? { act: 'continue_without' } : { act: 'decline' };
  };

  for (const [at, params] of combinations.entries()) {
    // Each way to send a request meets each value of each parameter; all with all would prove no more.
    const [pushed, hinted] = [at % 2 === 1, at % 4 >= 2];
    const what = JSON.stringify({ ...params, pushed, hinted });
    const sent = { ...params, ...(hinted && { id_token_hint: hint }) };
    const outcome = await party.authorize(jar, sent, answer, pushed);
    if (params.claims === essential('advanced')) {
      t.is(outcome.params?.get('error'), 'unmet_authentication_requirements', what);
      t.false(outcome.params?.has('code'), what);
      continue;
    }
    t.true(outcome.params?.has('code'), `${what}: ${outcome.params}`);
    const tokens = await party.exchange(outcome);
    const said = [claimsOf(tokens)];
    if (params.resource === JWT_API) said.push(decodeJwt(tokens.access_token));
    else said.push((await party.introspect(tokens.access_token)) as (typeof said)[0]);
    if (params.resource === undefined)
      said.push((await party.userinfo(tokens.access_token)).claims as (typeof said)[0]);
    said.push(claimsOf(await party.refresh(tokens.refresh_token ?? '')));
    for (const { acr: reported, achieved_acr: achieved } of said) {
      t.deepEqual([reported, achieved], [acr('basic'), acr('basic')], what);
    }
  }
});
