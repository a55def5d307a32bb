import fc from 'fast-check';
import type { ExecutionEvent } from '../execution/execution-event.js';
import { cutEvent } from './cut-event.js';

const event = (data: unknown, type = 'agent.tool_use') =>
  ({ executionId: 'e', seq: 1, at: 0, type, data }) as ExecutionEvent;
const bytes = (cut: ExecutionEvent) => Buffer.byteLength(JSON.stringify(cut.data));

describe('cutEvent', () => {
  it('leaves an event alone whose data fits', () => {
    const small = event({ id: '1', name: 'Bash', input: { command: 'ls' } });
    expect(cutEvent(small, 1000)).toBe(small);
  });

  it('cuts long text, keeps the shape and says so', () => {
    const cut = cutEvent(
      event({ id: '1', output: 'x'.repeat(100_000), isError: false }, 'agent.tool_result'),
      1024,
    );
    expect(cut.data).toMatchObject({ id: '1', isError: false, truncated: true });
    expect(bytes(cut)).toBeLessThanOrEqual(1024);
  });

  it('never cuts the end of an execution', () => {
    const end = event({ status: 'succeeded', response: 'x'.repeat(100_000) }, 'execution.finished');
    expect(cutEvent(end, 1024)).toBe(end);
  });

  it('brings anything below the limit, and stays well-formed text', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.string({ unit: 'binary', minLength: 2000, maxLength: 3000 }),
        (value, text) => {
          const cut = cutEvent(event({ id: '1', name: 'Bash', input: { value, text } }), 1024);
          expect(bytes(cut)).toBeLessThanOrEqual(1024);
          expect(JSON.stringify(cut).isWellFormed()).toBe(true);
        },
      ),
    );
  });
});
