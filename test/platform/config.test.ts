import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadTexts } from '../../src/platform/i18n.ts';
import {
  LIFETIME_NAMES,
  lifetimes,
  meaningOf,
  readLifetimes,
  useLifetimes,
} from '../../src/platform/lifetimes.ts';
import { createLimits, purgeLimits, readLimits } from '../../src/platform/limits.ts';
import { Problem } from '../../src/platform/problem.ts';
import { freshDatabase } from '../support/database.ts';

const ROOT = join(import.meta.dirname, '../..');

function folder(files: Record<string, unknown>): string {
  const directory = mkdtempSync(join(tmpdir(), 'texts-'));
  for (const locale of ['zh-CN', 'en']) mkdirSync(join(directory, locale));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), JSON.stringify(content));
  }
  return directory;
}

test('a room finds its texts under its own name and all rooms share the problems', (t) => {
  const room = { login: { title: 'Hello {name}' }, problems: { gone: { title: 'Gone' } } };
  const texts = loadTexts(folder({ 'zh-CN/front-door.json': room, 'en/front-door.json': room }));
  t.is(texts.translator('en')('frontDoor.login.title', { name: '张三' }), 'Hello 张三');
  t.is(texts.translator('zh-CN')('problems.gone.title'), 'Gone');
});

test('two rooms that give the same problem a text are told so', (t) => {
  const room = { problems: { gone: { title: 'Gone' } } };
  t.throws(() => loadTexts(folder({ 'zh-CN/a.json': room, 'zh-CN/b.json': room })), {
    message: /gone\.title/,
  });
});

test('a key or a placeholder that one language lacks stops the start', (t) => {
  t.throws(() => loadTexts(folder({ 'zh-CN/a.json': { x: '一' }, 'en/a.json': {} })), {
    message: /a\.x is in zh-CN but not in en/,
  });
  t.throws(() => loadTexts(folder({ 'zh-CN/a.json': { x: '{n} 分钟' }, 'en/a.json': { x: '{m} min' } })), {
    message: /a\.x has the placeholders \{n\} in zh-CN, \{m\} in en/,
  });
});

test('a missing text or a missing value throws instead of showing a hole', (t) => {
  const translate = loadTexts(folder({ 'zh-CN/a.json': { x: '{n}' }, 'en/a.json': { x: '{n}' } })).translator(
    'en',
  );
  t.throws(() => translate('a.y'), { message: 'There is no text a.y' });
  t.throws(() => translate('a.x'), { message: /\{n\}/ });
});

const texts = loadTexts(join(ROOT, 'config/texts'));
const sources = globSync('{src,views}/**/*.{ts,eta}', { cwd: ROOT }).map((file) => ({
  file,
  text: readFileSync(join(ROOT, file), 'utf8'),
}));

test('every text that a view or a room names exists', (t) => {
  for (const { file, text } of sources) {
    for (const [, key] of text.matchAll(/(?<![\w.])(?:it\.)?t\(\s*'([\w.]+)'/g)) {
      t.true(texts.has(key!), `${file} names ${key}`);
    }
  }
});

test('every problem that a room can throw has its three texts', (t) => {
  for (const { file, text } of sources) {
    for (const [, code] of text.matchAll(/new Problem\(\s*'(\w+)'/g)) {
      for (const part of ['title', 'happened', 'next']) {
        t.true(texts.has(`problems.${code}.${part}`), `${file} throws ${code} without ${part}`);
      }
    }
  }
});

test('every problem has all three texts and nothing else', (t) => {
  const parts = new Map<string, string[]>();
  for (const key of texts.keys()) {
    const [area, code, ...part] = key.split('.');
    if (area === 'problems') parts.set(code!, [...(parts.get(code!) ?? []), part.join('.')].sort());
  }
  for (const [code, found] of parts) t.deepEqual(found, ['happened', 'next', 'title'], code);
});

test('every lifetime says what it is of', (t) => {
  for (const name of LIFETIME_NAMES) t.not(meaningOf(name), name);
});

test('the defaults are those of the design', (t) => {
  t.like(readLifetimes(), {
    sessionIdle: 8 * 3_600,
    sessionAbsolute: 24 * 3_600,
    accessToken: 600,
    refreshToken: 8 * 3_600,
    smsCode: 300,
    smsResend: 60,
  });
});

test('a lifetime that makes no sense or is unsafe is refused by name', (t) => {
  t.throws(() => readLifetimes({ idToken: 0 }), { message: /idToken/ });
  t.throws(() => readLifetimes({ jwtAccessToken: 3_600 }), { message: /cannot be revoked/ });
});

test('a sandbox process goes by the lifetimes of its environment', (t) => {
  const before = { ...lifetimes };
  t.teardown(() => useLifetimes(before));
  useLifetimes(readLifetimes({ smsResend: 1 }));
  t.is(lifetimes.smsResend, 1);
});

const limits = readLimits({ login: { points: 3, seconds: 900 } });

test('attempts beyond the limit are slowed down and told for how long', async (t) => {
  const { consume } = createLimits(await freshDatabase(t), limits);
  for (let attempt = 0; attempt < 3; attempt++) await consume('login', '192.0.2.1 somebody');
  const problem = await t.throwsAsync(consume('login', '192.0.2.1 somebody'), { instanceOf: Problem });
  t.like(problem, { code: 'too_many_attempts', status: 429, params: { minutes: 15 } });

  await t.notThrowsAsync(consume('login', '192.0.2.2 somebody'), 'the account itself is not locked');
  await t.notThrowsAsync(consume('recovery', '192.0.2.1 somebody'), 'each limit counts for itself');
});

test('processes that count at once let no more through than the limit', async (t) => {
  const db = await freshDatabase(t);
  const processes = [createLimits(db, limits), createLimits(db, limits)];
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => processes[index % 2]!.consume('login', 'key')),
  );
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 3);
});

test('the key is not in the database, and counters are purged when their time is over', async (t) => {
  const db = await freshDatabase(t);
  await createLimits(db, limits).consume('login', '192.0.2.1 somebody');
  t.false(JSON.stringify(await db.query('select * from rate_limits')).includes('192.0.2.1'));
  const now = Date.now();
  t.is(await purgeLimits(db, new Date(now)), 0);
  t.is(await purgeLimits(db, new Date(now + 901_000)), 1);
});

test('a limit that makes no sense is refused by name', (t) => {
  t.throws(() => readLimits({ login: { points: 0, seconds: 1 } }), { message: /login/ });
});
