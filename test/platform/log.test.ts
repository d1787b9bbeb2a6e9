import test from 'ava';
import { createLog, scrub, scrubText } from '../../src/platform/log.ts';

function capture() {
  const lines: string[] = [];
  const log = createLog({ level: 'info', name: 'test' }, { write: (line) => void lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

test('a line is one JSON object with level, time and process', (t) => {
  const { log, last } = capture();
  log.info({ route: '/account', ms: 12 }, 'served');
  t.like(last(), { level: 'info', name: 'test', route: '/account', ms: 12, msg: 'served' });
  t.regex(String(last().time), /^\d{4}-\d\d-\d\dT/);
});

test('personal data and secrets do not reach the log, whatever they are called or wherever they hide', (t) => {
  const { log, lines } = capture();
  const secrets = [
    '390101199001011234',
    '39010119900101123X',
    '13900000001',
    '6222020000000000000',
    'hunter2',
    'a@b.cn',
  ];
  log.info(
    { id_number: secrets[0], nested: { list: [{ Phone: secrets[2], password: secrets[4] }] } },
    'by name',
  );
  log.info({ note: `of ${secrets[1]} with ${secrets[2]} and ${secrets[3]}`, who: 13900000001 }, 'by shape');
  log.warn(`somebody typed ${secrets[0]} at ${secrets[5]}`);
  log.error(new Error(`duplicate key ${secrets[2]}`));
  log.error({ err: new Error('outer', { cause: new Error(`inner ${secrets[0]}`) }) }, 'caused');
  log.error({ err: Object.assign(new Error('pg'), { code: '23505', detail: `(phone)=(${secrets[4]})` }) });
  log.info({ url: '/callback?code=hunter2&state=x', headers: { authorization: 'Bearer hunter2' } });
  log.info('GET /x?login_hint=hunter2 with DPoP hunter2');
  log.child({ interaction: 'uid-1' }).info({ sms_code: 'hunter2', code: 'hunter2' });
  t.is(lines.length, 9);
  for (const secret of secrets) t.false(lines.join('').includes(secret), secret);
  t.regex(lines[5]!, /23505/, 'what helps to find the fault stays');
});

test('ids, times and counts stay readable', (t) => {
  const harmless = {
    id: '019ab5e2-7c11-7a3f-8a52-1d2f3c4b5a69',
    at: '2026-11-23T01:02:03.456Z',
    ms: 1763859723456,
    acr: 'urn:ymt:acr:basic',
    rows: 100000,
    code: 'interaction_expired',
    cause: { code: 'ECONNREFUSED' },
  };
  t.deepEqual(scrub(harmless), harmless);
  t.is(scrubText('see /account/history'), 'see /account/history');
});
