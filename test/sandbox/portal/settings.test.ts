import { fileURLToPath } from 'node:url';
import test from 'ava';
import { levelOf, reaches } from '../../../sandbox/portal/level.ts';
import { readSettings } from '../../../sandbox/portal/settings.ts';
import { localPath } from '../../../sandbox/portal/sign-in.ts';

const keyFile = fileURLToPath(new URL('../../../sandbox/keys/city-a.json', import.meta.url));

test('a portal is configured by its environment', (t) => {
  const settings = readSettings({ LOOK: 'city-b', PORT: '3002', CLIENT_ID: 'city-b', CLIENT_SECRET: 'x' });
  t.is(settings.origin, 'http://localhost:3002');
  t.deepEqual(settings.main, { clientId: 'city-b', secret: 'x' });
  t.is(settings.epidemic, undefined);
});

test('a wrong environment is refused with the names of the variables', (t) => {
  const error = t.throws(() => readSettings({ LOOK: 'city-c', PORT: 'many' }));
  for (const name of ['LOOK', 'PORT', 'CLIENT_ID']) t.true(error.message.includes(name), name);
  const both = { LOOK: 'tax', PORT: '1', CLIENT_ID: 'x', CLIENT_SECRET: 'x', CLIENT_KEY_FILE: keyFile };
  t.regex(t.throws(() => readSettings(both)).message, /either CLIENT_SECRET or CLIENT_KEY_FILE/);
});

test('a higher level satisfies a lower floor, an unknown one satisfies nothing', (t) => {
  t.true(reaches('urn:ymt:acr:advanced', 'intermediate'));
  t.true(reaches('urn:ymt:acr:intermediate', 'intermediate'));
  t.false(reaches('urn:ymt:acr:basic', 'intermediate'));
  t.false(reaches('urn:ymt:acr:supreme', 'anonymous'));
  t.is(levelOf('basic'), undefined);
});

test('login returns to a path of this portal only', (t) => {
  t.is(localPath('/pension?x=1'), '/pension?x=1');
  for (const elsewhere of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'pension',
    '',
    undefined,
  ]) {
    t.is(localPath(elsewhere), '/');
  }
});
