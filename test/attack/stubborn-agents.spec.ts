/** Agents that will not end: the silence and the whole time of an execution are limited by the server, not by what runs. */
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { descendantsOf, gone } from '../support/processes.js';

describe('an agent that', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson({ SANDBOX_IDLE_TIMEOUT: '8' });
  });
  afterAll(() => caisson.clear());

  it.each([
    ['ignores TERM', `trap '' TERM INT HUP; while :; do sleep 0.1; done`],
    ['stops itself', 'kill -STOP $$'],
    ['stops all that it can reach, the CLI too', 'kill -STOP -1; sleep infinity'],
    ['sleeps in silence', 'echo waiting; sleep infinity'],
  ])('[R06] is ended by its time limit, or sooner by its silence: %s', async (_, command) => {
    const end = async (projectId: string, options: { timeout?: number }): Promise<ExecutionView> => {
      const prompt = `@tool Bash ${JSON.stringify({ command, timeout: 600_000 })}`;
      const { id } = await caisson.admin.submit({
        action: 'generate',
        prompt,
        options,
        metadata: { projectId },
      });
      return caisson.admin.ended(id);
    };
    const [late, silent] = await Promise.all([end('late', { timeout: 4000 }), end('silent', {})]);
    expect(late).toMatchObject({ status: 'timed_out', response: { error: { code: 'E001' } } });
    expect(silent.response?.error).toMatchObject({ code: 'E001', details: { limit: 'idle' } });
    await gone(() => descendantsOf(process.pid));
  });
});
