/** The same contracts for a server that is not root: its sandboxes have its own uid, and namespaces carry the isolation. */
import { resolve } from 'node:path';
import { isReachable } from '../../src/sandbox/reachable.js';
import { jestProcess } from '../support/jest-process.js';
import { asRoot } from '../support/sandbox-ground.js';

/** Nobody in particular; it must only be no user of this machine. */
const UID = 61_234;

it('sandboxes and workspaces keep their contracts for an ordinary user', async () => {
  // An ordinary user's tests are already this; and who cannot pass to the checkout cannot run what is in it.
  if (!asRoot || !(await isReachable(resolve('package.json'), UID))) return;
  for (const file of ['contract/sandbox.spec.ts', 'contract/workspaces.spec.ts', 'attack/sandbox.spec.ts']) {
    const { exitCode, output } = jestProcess(file, {
      uid: UID,
      env: { HOME: '/nonexistent', TMPDIR: '/tmp' },
    });
    const code = await exitCode;
    if (code !== 0) throw new Error(await output);
  }
});
