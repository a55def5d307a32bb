/** The server dies at once: every sandbox dies with it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jestProcess } from '../support/jest-process.js';
import { hostProcesses, until } from '../support/processes.js';

it('[K05] a sandbox that ignores signals does not outlive a server that is killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'caisson-killed-'));
  await chmod(directory, 0o711);
  const seconds = `33${Date.now() % 100_000}`;
  const { child, exitCode, output } = jestProcess('server-with-sandbox.fixture.ts', {
    env: { FIXTURE_SLEEP: seconds, TMPDIR: directory },
  });
  try {
    await until(async () => (await hostProcesses(`sleep ${seconds}`)).length === 1).catch(
      async (error: unknown) => {
        child.kill('SIGKILL');
        throw new Error(await output, { cause: error });
      },
    );
    child.kill('SIGKILL');
    await exitCode;
    await until(async () => (await hostProcesses(`sleep ${seconds}`)).length === 0);
  } finally {
    await rm(directory, { recursive: true });
  }
});
