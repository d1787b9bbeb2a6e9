import anyTest from 'ava';
import { usingCredentials } from './credentials.ts';
import { declaringHealth } from './health.ts';
import { otherSites } from './other-sites.ts';
import { registering } from './registering.ts';
import { steppingUp } from './stepping-up.ts';
import { visiting } from './visiting.ts';
import { wandering } from './wandering.ts';
import { openTour, type TourTest } from './world.ts';

/**
 * The six steps of the README's tour, walked by browsers through the programs of `npm start`. They share one
 * sandbox: each test is somebody else, and one comes after the other, because some move the clock of all.
 */
const test = anyTest as TourTest;
test.before(async (t) => {
  t.context.tour = await openTour(t);
});
test.after.always((t) => t.context.tour?.close());

visiting(test);
registering(test);
steppingUp(test);
declaringHealth(test);
usingCredentials(test);
otherSites(test);
wandering(test);
