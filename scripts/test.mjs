/**
 * `npm test`: sets up what is missing, then runs everything CI runs. `npm test -- <paths>` runs those test files only.
 * The run itself is on the pinned Node below `tini -s`, which adopts every orphan: so none is left behind unseen.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setUp } from './setup/index.mjs';
import { NODE, ROOT } from './setup/paths.mjs';
import { runMain } from './setup/report.mjs';

await runMain(() => {
  setUp();
  const run = join(ROOT, 'scripts', 'test', 'run.mjs');
  const { status } = spawnSync('tini', ['-s', '--', NODE, run, ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return status ?? 1;
});
