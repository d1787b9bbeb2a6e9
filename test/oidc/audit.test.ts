import test from 'ava';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { audited } from '../support/audited.ts';
import { startProtocol } from '../support/protocol.ts';
import { essential, liveFace, logIn, portal, relyingParty } from '../support/relying-party.ts';

const API = 'https://pension.example/api';

test.afterEach.always(() => shiftProcessClock(0));

test('the log tells of each login, step-up, grant that gives more, replay and its end, with the level and without any secret', async (t) => {
  const platform = await startProtocol(t, {
    clients: [
      portal('city-a'),
      portal('open', { allow_anonymous: true }),
      portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
      portal('hrss', { resources: [{ identifier: API, scope: 'pension:read' }] }),
    ],
  });
  const citizenId = await platform.citizen('advanced');
  const jar = platform.jar();
  const [a, app] = [relyingParty(platform, 'city-a'), relyingParty(platform, 'app', true)];
  await relyingParty(platform, 'open').signIn(platform.jar(), { acr_values: 'urn:ymt:acr:anonymous' });
  const outcome = await a.authorize(jar, {}, [logIn(citizenId)]);
  await a.exchange(outcome);
  await a.signIn(jar);
  await a.signIn(jar, { claims: essential('advanced') }, [liveFace(citizenId)]);
  await a.signIn(jar, { resource: API, scope: 'openid pension:read' });
  await a.signIn(jar, { resource: API, scope: 'openid pension:read' });
  await a.exchange(outcome);
  const { refresh_token: used = '' } = await app.signIn(jar);
  await app.refresh(used);
  shiftProcessClock(11_000);
  await app.refresh(used);
  const rows = await platform.db.query<{
    type: string;
    client_id: string;
    detail: object;
    citizen_id: string;
  }>(
    `select type, client_id, detail, citizen_id from audit_events
      where type ~ '^(login|step_up|grant|token)' order by at, id`,
  );
  t.deepEqual(
    rows.map(({ type, client_id, detail }) => [type, client_id, detail]),
    [
      ['login.succeeded', 'city-a', { level: 'intermediate' }],
      ['grant.issued', 'city-a', { consent: 'implied' }],
      ['step_up.satisfied', 'city-a', { level: 'advanced' }],
      ['grant.issued', 'city-a', { consent: 'implied', widened: true }],
      ['token.replayed', 'city-a', { kind: 'authorization_code' }],
      ['grant.revoked', 'city-a', { reason: 'replay' }],
      ['grant.issued', 'app', { consent: 'implied' }],
      ['token.replayed', 'app', { kind: 'refresh_token' }],
      ['grant.revoked', 'app', { reason: 'replay' }],
    ],
  );
  t.true(rows.every(({ citizen_id }) => citizen_id === citizenId));
});

test('a step-up that was given up is written once', async (t) => {
  const platform = await startProtocol(t, { clients: [portal('city-a')] });
  const citizenId = await platform.citizen('basic');
  const jar = platform.jar();
  const party = relyingParty(platform, 'city-a');
  await party.signIn(jar, {}, [logIn(citizenId)]);
  const { interaction } = await party.authorize(jar, { claims: essential('advanced') });
  const decline = () => jar.post(interaction!.path, { act: 'decline' });
  const [first] = [await decline(), await decline()];
  const back = await jar.get(first.location!);
  t.is(new URL(back.location!).searchParams.get('error'), 'unmet_authentication_requirements');
  t.deepEqual(await audited(platform.db, ['step_up.unmet'], citizenId), [
    ['step_up.unmet', { level: 'advanced' }],
  ]);
});
