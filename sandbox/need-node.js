/*
 * Runs before the scripts of package.json, in words that any Node understands: the source itself needs one that runs
 * TypeScript as it is. On Linux the right one comes with the packages (docs/decisions/0003-node-from-npm.md).
 */
const NEEDED = 24;
if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `Yimatong needs Node ${NEEDED} or newer, and this is Node ${process.versions.node}: run "npm ci" again with optional packages (on Linux x64 and arm64 they bring Node ${NEEDED} along), or install it from https://nodejs.org.\n`,
  );
  process.exit(1);
}
