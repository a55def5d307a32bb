/** `npm run build`: dependencies if they are missing, then dist. */
import { ensureBuild } from './setup/build.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { runMain } from './setup/report.mjs';

await runMain(() => {
  ensureDependencies();
  ensureBuild();
  return 0;
});
