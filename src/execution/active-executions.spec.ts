import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { ActiveExecutions } from './active-executions.js';

const CANCELLED = new ClaudeCodeError('E013', 'The caller cancelled it.');

describe('ActiveExecutions', () => {
  it('can end one that was offered twice, whose second claim was refused', async () => {
    const active = new ActiveExecutions();
    let reason: unknown;
    const runs = active.during('one', async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reason = signal.reason;
    });
    await active.during('one', () => Promise.resolve());
    await active.end('one', CANCELLED);
    expect(reason).toBe(CANCELLED);
    await runs;
    expect(active.end('one', CANCELLED)).toBeUndefined();
  });

  it('waits for all that is under way, also for what fails', async () => {
    const active = new ActiveExecutions();
    const failing = active.during('one', ({ signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', resolve)).then(() => {
        throw new Error('late');
      }),
    );
    failing.catch(() => undefined);
    await active.endAll(CANCELLED);
    await expect(failing).rejects.toThrow('late');
  });
});
