import test from 'ava';
import { findByIdentifier } from '../../src/citizens/store.ts';
import { cipher, NOW } from '../support/citizens.ts';
import { type FamilySite, keepOnPhone, startFamily } from '../support/health-family.ts';

/** What the child's access log says, the oldest first. */
const seenOf = async (site: FamilySite, username = 'du_xiaomiao') => {
  const { citizenId } = (await findByIdentifier(site.db, cipher, site.person(username).id_number))!;
  const rows = await site.db.query<{ what: string[] }>(
    'select what from access_log where citizen_id = $1 order by at, id',
    [citizenId],
  );
  return rows.map(({ what }) => what.join());
};

test('whatever a guardian looks at or does for a child stands in the child’s access log', async (t) => {
  const site = await startFamily(t);
  await site.settle('wang_xiulan');
  const child = site.person('du_xiaomiao');
  await site.submit('/health/family/child', { name: child.name, id_number: child.id_number, agree: 'yes' });
  const page = await site.jar.get('/health/family');
  const id = /\/health\/code\/of\/([0-9a-f-]{36})/.exec(page.text)?.[1] ?? 'none';
  const trip = {
    province: '11',
    city: '示例市',
    from: '2026-11-20',
    to: '2026-11-21',
    way: 'train',
    number: '',
    agree: 'yes',
    signature: site.person('wang_xiulan').name,
  };
  let minutes = 0;
  /** Half an hour later each time, so that every look is one of its own. */
  const noted = async (act: () => Promise<unknown>) => {
    minutes += 30;
    site.world.now = new Date(NOW.getTime() + minutes * 60_000);
    const before = await seenOf(site);
    await act();
    return (await seenOf(site)).slice(before.length);
  };
  const look = (path: string) => noted(() => site.jar.get(path));
  const submit = (path: string, fields: Record<string, string> = {}) =>
    noted(async () => t.is((await site.submit(path, fields)).status, 303, path));
  t.deepEqual(await noted(() => site.declare(`/health/declare/of/${id}`)), ['health_declaration']);
  t.deepEqual(await look(`/health/code/of/${id}`), ['health_code']);
  const next = () => site.jar.post('/health/code/online', { for: id }, { accept: 'application/json' });
  t.deepEqual(await noted(() => Promise.all([next(), next()]).then(next)).then(unique), ['health_code']);
  t.deepEqual(await noted(() => keepOnPhone(site, id)), ['health_offline_code']);
  t.deepEqual(await submit(`/health/travel/of/${id}`, trip), ['declared_travel']);
  const [declared] = await site.db.query<{ id: string }>('select id from health_trips');
  t.deepEqual(await submit(`/health/travel/of/${id}/withdraw`, { trip: declared!.id }), ['declared_travel']);
  t.deepEqual(await submit(`/health/paper/of/${id}`), ['health_paper']);
  const [paper] = await site.db.query<{ id: string }>('select id from health_papers');
  t.deepEqual(await submit(`/health/paper/of/${id}/${paper!.id}/revoke`), ['health_paper']);
  const asked = { text: '请再看一看孩子的健康码。' };
  t.deepEqual(await submit(`/health/appeals/new?for=${id}`, asked), ['health_appeal']);
  const [appeal] = await site.db.query<{ id: string }>('select id from health_appeals');
  t.deepEqual(await submit(`/health/appeals/${appeal!.id}/withdraw?for=${id}`), ['health_appeal']);
  t.deepEqual(await look(`/health/appeals?for=${id}`), ['health_appeal']);
  const audited = await site.db.query(
    `select 1 from audit_events where type = 'health.code_kept' and actor = $1`,
    [`guardian:${site.world.citizenId}`],
  );
  t.is(audited.length, 1);
  t.deepEqual(
    await site.db.query('select 1 from access_log where citizen_id = $1', [site.world.citizenId]),
    [],
  );
});
const unique = (words: string[]) => [...new Set(words)];
