import test from 'ava';
import { openCatalogue } from '../../src/departments/catalogue.ts';
import { createAdapter } from '../../src/oidc/adapter.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readLifetimes } from '../../src/platform/lifetimes.ts';
import { freshDatabase } from '../support/database.ts';
import { adapterConformance } from './adapter-conformance.ts';
import { createMemoryAdapter } from './memory-adapter.ts';

adapterConformance(test, 'memory', async (_t, clock) => createMemoryAdapter(clock));

adapterConformance(test, 'PostgreSQL', async (t, clock = systemClock) => {
  const db = await freshDatabase(t, { max: 20 });
  return createAdapter({
    db,
    clock,
    catalogue: openCatalogue(db, clock),
    enqueueLogout: async () => {},
    lifetimes: readLifetimes(),
    refreshReplayGrace: 10_000,
  });
});
