/** `npm run check:static`: every check that needs no running code. */
import { ensureDependencies } from './setup/dependencies.mjs';
import { runMain } from './setup/report.mjs';
import { runStaticChecks } from './test/static-checks.mjs';

await runMain(async () => {
  ensureDependencies();
  const { failed } = await runStaticChecks();
  return failed > 0 ? 1 : 0;
});
