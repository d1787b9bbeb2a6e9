import test from 'ava';
import { newId } from '../../src/platform/id.ts';

test('an id is a version 7 UUID that carries the time', (t) => {
  const before = Date.now();
  const id = newId();
  t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const time = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  t.true(time >= before && time <= Date.now());
});

test('ids of one process are unique and ascend, also within one millisecond', (t) => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  t.is(new Set(ids).size, ids.length);
  t.deepEqual(ids, ids.toSorted());
});
