/** All set-up, in order; each step does nothing when there is nothing to do. */
import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { ensurePackages } from './packages.mjs';

/** @throws SetupError naming the step that failed and what to do */
export function setUp() {
  ensurePackages();
  ensureDependencies();
  ensureBuild();
}
