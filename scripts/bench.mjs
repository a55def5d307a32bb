/**
 * `npm run bench`: sets up what is missing, then measures (bench/main.ts). Below a tini that adopts every orphan (-s), as
 * the tests are, so that nothing is left behind unseen.
 */
import { join } from 'node:path';
import { runInForeground } from './setup/foreground.mjs';
import { setUp } from './setup/index.mjs';
import { NODE, ROOT } from './setup/paths.mjs';
import { runMain } from './setup/report.mjs';

await runMain(() => {
  setUp();
  const main = join(ROOT, 'bench', 'main.ts');
  return runInForeground('tini', ['-s', '-g', '-p', 'SIGTERM', '--', NODE, main, ...process.argv.slice(2)]);
});
