import test from 'ava';
import { openCatalogue } from '../../src/departments/catalogue.ts';
import { createAdapter } from '../../src/oidc/adapter.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readLifetimes } from '../../src/platform/lifetimes.ts';
import { freshDatabase } from '../support/database.ts';
import { adapterConformance } from './adapter-conformance.ts';

adapterConformance(test, 'PostgreSQL', async (t) => {
  const db = await freshDatabase(t, { max: 20 });
  return createAdapter({
    db,
    clock: systemClock,
    catalogue: openCatalogue(db, systemClock),
    enqueueLogout: async () => {},
    lifetimes: readLifetimes(),
    refreshReplayGrace: 10_000,
  });
});
