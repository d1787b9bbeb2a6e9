import test from 'ava';
import { type Answer, startProtocol } from '../support/protocol.ts';
import { claimsOf, essential, logIn, portal, relyingParty } from '../support/relying-party.ts';

const acr = (level: string) => `urn:ymt:acr:${level}`;
const API = 'https://open.example/api';
const BASIC = [acr('basic'), acr('anonymous')];

const mixed = JSON.stringify({
  id_token: { acr: { essential: true, values: [acr('basic'), acr('advanced')] } },
  userinfo: { acr: { essential: true, value: acr('advanced') } },
});

/** `undefined`: the parameter is not sent. */
const CHOICES: (Record<string, string> | undefined)[][] = [
  [undefined, { acr_values: `${acr('advanced')} ${acr('intermediate')}` }],
  [undefined, { claims: essential('advanced') }, { claims: mixed }],
  [undefined, { max_age: '0' }],
  [undefined, { prompt: 'none' }, { prompt: 'login' }],
  [undefined, { resource: API, scope: 'openid api:read' }],
];

const combinations = CHOICES.reduce<Record<string, string>[]>(
  (all, choices) => all.flatMap((one) => choices.map((choice) => ({ ...one, ...choice }))),
  [{}],
);

for (const pushed of [false, true]) {
  for (const hinted of [false, true]) {
    const how = `${pushed ? 'pushed' : 'plain'}, ${hinted ? 'with' : 'without'} id_token_hint`;
    test(`a basic session never obtains more than basic, whatever it sends (${how})`, async (t) => {
      const platform = await startProtocol(t, {
        clients: [portal('city-a', { resources: [{ identifier: API, scope: 'api:read' }] })],
      });
      // The account could be advanced; the session is not, because its credentials were enrolled at basic.
      const citizenId = await platform.citizen('advanced');
      const jar = platform.jar();
      const party = relyingParty(platform, 'city-a');
      const first = await party.signIn(jar, {}, [logIn(citizenId, 'basic')]);
      const hint: Record<string, string> = hinted ? { id_token_hint: first.id_token } : {};
      const nothingNew: Answer = { act: 'log_in', citizenId, proofs: [] };
      let issued = 0;
      for (const params of combinations) {
        const outcome = await party.authorize(jar, { ...params, ...hint }, [nothingNew], pushed);
        if (!outcome.params?.has('code')) continue;
        issued += 1;
        const tokens = await party.exchange(outcome);
        const said = [claimsOf(tokens).acr, claimsOf(tokens).achieved_acr];
        const looked = await party.introspect(tokens.access_token);
        said.push(looked.acr as string, looked.achieved_acr as string);
        if (params.resource === undefined) {
          const { claims } = await party.userinfo(tokens.access_token);
          said.push(claims.acr as string, claims.achieved_acr as string);
        }
        const refreshed = await party.refresh(tokens.refresh_token ?? '');
        said.push(claimsOf(refreshed).acr, claimsOf(refreshed).achieved_acr);
        if (said.some((value) => !BASIC.includes(String(value))))
          t.fail(`${JSON.stringify(params)}: ${said}`);
      }
      t.true(
        issued > combinations.length / 10,
        `${issued} of ${combinations.length} were answered with a code`,
      );
    });
  }
}
