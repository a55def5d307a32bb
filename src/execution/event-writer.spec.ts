import { EventWriter, JOIN_WINDOW_MS } from './event-writer.js';
import type { EventLog } from './event-log.js';
import type { Fact } from './execution-event.js';

const text = (value: string): Fact => ({ type: 'agent.text', data: { text: value } });
const thinking = (value: string): Fact => ({ type: 'agent.thinking', data: { text: value } });
const toolUse: Fact = { type: 'agent.tool_use', data: { id: '1', name: 'Bash', input: {} } };

describe('EventWriter', () => {
  const written: Fact[] = [];
  const errors: unknown[] = [];
  let fail: Error | undefined;
  const log = {
    append: (_id: string, _attempt: number, facts: readonly Fact[]) => {
      if (fail !== undefined) return Promise.reject(fail);
      written.push(...facts);
      return Promise.resolve();
    },
  } as unknown as EventLog;
  const writer = () => new EventWriter(log, 'e', 1, (error) => errors.push(error));

  beforeEach(() => {
    jest.useFakeTimers();
    written.length = 0;
    errors.length = 0;
    fail = undefined;
  });
  afterEach(() => jest.useRealTimers());

  it('writes the first text of a run at once and joins what follows within the window', async () => {
    const it = writer();
    await it.write(text('a'));
    expect(written).toEqual([text('a')]);
    await it.write(text('b'));
    await it.write(text('c'));
    expect(written).toEqual([text('a')]);
    await jest.advanceTimersByTimeAsync(JOIN_WINDOW_MS);
    expect(written).toEqual([text('a'), text('bc')]);
    await it.close();
  });

  it('writes the first text after a pause at once again', async () => {
    const it = writer();
    await it.write(text('a'));
    await jest.advanceTimersByTimeAsync(JOIN_WINDOW_MS * 2);
    await it.write(text('b'));
    expect(written).toEqual([text('a'), text('b')]);
    await it.close();
  });

  it('keeps the order between text, thinking and everything else', async () => {
    const it = writer();
    await it.write(text('a'));
    await it.write(text('b'));
    await it.write(thinking('c'));
    await it.write(toolUse);
    await it.write(text('d'));
    await it.close();
    expect(written).toEqual([text('a'), text('b'), thinking('c'), toolUse, text('d')]);
  });

  it('loses no text whatever the pace', async () => {
    const it = writer();
    for (let n = 0; n < 100; n += 1) {
      await it.write(text(`${n} `));
      await jest.advanceTimersByTimeAsync(n % 7);
    }
    await it.close();
    const all = written.map((fact) => (fact.type === 'agent.text' ? fact.data.text : '')).join('');
    expect(all).toBe(Array.from({ length: 100 }, (_, n) => `${n} `).join(''));
    expect(written.length).toBeLessThan(50);
  });

  it('tells that a write failed', async () => {
    const it = writer();
    fail = new Error('disk full');
    await it.write(toolUse);
    expect(errors).toEqual([fail]);
    await it.close();
  });
});
