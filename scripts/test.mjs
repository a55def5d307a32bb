/**
 * `npm test`: sets up what is missing, then runs everything CI runs. `npm test -- <paths>` runs those test files only.
 * The run itself is on the pinned Node below a tini that adopts every orphan (-s), so none is left behind unseen, and
 * that ends the whole run (-g) when this process is killed (-p).
 */
import { join } from 'node:path';
import { runInForeground } from './setup/foreground.mjs';
import { setUp } from './setup/index.mjs';
import { ensureServices } from './setup/packages.mjs';
import { NODE, ROOT } from './setup/paths.mjs';
import { runMain } from './setup/report.mjs';

await runMain(() => {
  ensureServices();
  setUp();
  const run = join(ROOT, 'scripts', 'test', 'run.mjs');
  return runInForeground('tini', ['-s', '-g', '-p', 'SIGTERM', '--', NODE, run, ...process.argv.slice(2)]);
});
