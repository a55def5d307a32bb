/** The server dies at once: every sandbox dies with it. */
import { jestProcess } from '../support/jest-process.js';
import { hostProcesses, until } from '../support/processes.js';

it('a sandbox that ignores signals does not outlive a server that is killed', async () => {
  const seconds = `33${Date.now() % 100_000}`;
  const { child, exitCode, output } = jestProcess('server-with-sandbox.fixture.ts', {
    env: { FIXTURE_SLEEP: seconds },
  });
  try {
    await until(async () => (await hostProcesses(`sleep ${seconds}`)).length === 1, 30_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(await output, { cause: error });
  }
  child.kill('SIGKILL');
  await exitCode;
  await until(async () => (await hostProcesses(`sleep ${seconds}`)).length === 0, 1000);
});
