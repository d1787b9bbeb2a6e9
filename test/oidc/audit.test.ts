import test from 'ava';
import { shiftProcessClock } from '../../src/platform/clock.ts';
import { startProtocol } from '../support/protocol.ts';
import { essential, liveFace, logIn, portal, relyingParty } from '../support/relying-party.ts';

test.afterEach.always(() => shiftProcessClock(0));

test('the log tells of each login, step-up, first grant and replay, with the level and without any secret', async (t) => {
  const platform = await startProtocol(t, {
    clients: [
      portal('city-a'),
      portal('open', { allow_anonymous: true }),
      portal('app', { token_endpoint_auth_method: 'none', client_secret: undefined }),
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
      ['token.replayed', 'city-a', { kind: 'authorization_code' }],
      ['grant.issued', 'app', { consent: 'implied' }],
      ['token.replayed', 'app', { kind: 'refresh_token' }],
    ],
  );
  t.true(rows.every(({ citizen_id }) => citizen_id === citizenId));
});
