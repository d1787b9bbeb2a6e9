import * as openid from 'openid-client';
import clients from '../../sandbox/clients.json' with { type: 'json' };
import { fill, logIn, primary, type TourTest } from './world.ts';

const NO_RISK = ['high_risk', 'medium_risk', 'arrived', 'contact'];

/** Step 5 of the tour. */
export function declaringHealth(test: TourTest): void {
  test.serial(
    'step 5: the colour declared at the platform shows at city A’s epidemic page and nowhere else',
    async (t) => {
      const { tour } = t.context;
      const page = await tour.page(t);
      await page.goto(tour.at('cityA', '/login'));
      await logIn(page, 'gao_xiuyun');
      await page.waitForURL(tour.at('cityA'));
      await page.click('a[href="/epidemic"]');
      await tour.picture(page, 'consent-separate');
      await page.click('button[value=allow]');
      await page.waitForURL(tour.at('cityA', '/epidemic'));
      t.is(await page.locator('[data-colour]').getAttribute('data-colour'), 'grey');
      await page.click('main a.primary');
      await page.waitForURL(tour.at('platform', '/health/declare'));
      await tour.picture(page, 'declare');
      await fill(page, { address: '甲市江畔区示例路 1 号', temperature: '36.5', signature: '高秀云' });
      for (const question of NO_RISK) await page.check(`[name=${question}][value=no]`);
      await page.check('[name=agree]');
      await primary(page);
      await page.waitForURL(tour.at('platform', '/health/code**'));
      await tour.picture(page, 'health-code');
      await page.goto(tour.at('cityA', '/epidemic'));
      t.is(await page.locator('[data-colour]').getAttribute('data-colour'), 'green');
      await tour.look(t, page, 'epidemic');
      await page.goto(tour.at('platform', '/account/access'));
      t.true((await page.locator('tbody tr', { hasText: '疫情防控' }).count()) > 0);

      const cityB = clients.find(({ client_id }) => client_id === 'city-b')!;
      const config = await openid.discovery(
        new URL(tour.at('platform')),
        cityB.client_id,
        undefined,
        openid.ClientSecretBasic(cityB.client_secret),
        { execute: [openid.allowInsecureRequests] },
      );
      const verifier = openid.randomPKCECodeVerifier();
      const callback = tour.at('cityB', '/callback');
      const wanted = { health_code: { essential: true } };
      const ask = async (scope: string) =>
        openid.buildAuthorizationUrl(config, {
          scope,
          redirect_uri: callback,
          code_challenge: await openid.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          claims: JSON.stringify({ userinfo: wanted, id_token: wanted }),
        }).href;
      await page.route(`${callback}**`, (route) => route.fulfill({ body: 'caught' }));
      await page.goto(await ask('openid health_code'));
      t.is(new URL(page.url()).searchParams.get('error'), 'invalid_scope');
      await page.goto(await ask('openid'));
      const tokens = await openid.authorizationCodeGrant(config, new URL(page.url()), {
        pkceCodeVerifier: verifier,
      });
      const claims = tokens.claims()!;
      t.false('health_code' in claims);
      t.false('health_code' in (await openid.fetchUserInfo(config, tokens.access_token, claims.sub)));
    },
  );
}
