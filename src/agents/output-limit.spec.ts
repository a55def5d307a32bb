import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { OutputLimit, type OutputLimits } from './output-limit.js';

const through = async (chunks: string[], limits: OutputLimits): Promise<string> => {
  const limit = new OutputLimit(limits);
  const [read] = await Promise.all([
    text(limit),
    pipeline(Readable.from(chunks.map((it) => Buffer.from(it))), limit),
  ]);
  return read;
};

describe('OutputLimit', () => {
  const limits = { lineBytes: 10, totalBytes: 2000, idleMs: 60_000 };

  it('passes on what stays within the limits, unchanged', async () => {
    expect(await through(['12345\n', '67', '89\nab\n'], limits)).toBe('12345\n6789\nab\n');
  });

  it('stops a line that does not end', async () => {
    await expect(through(['123456', '789012'], limits)).rejects.toMatchObject({ code: 'E015' });
  });

  it('stops when all of it is too much', async () => {
    const wide = { ...limits, lineBytes: 1000 };
    const chunks = (count: number) => Array.from({ length: count }, () => `${'x'.repeat(499)}\n`);
    await expect(through(chunks(4), wide)).resolves.toHaveLength(2000);
    await expect(through(chunks(5), wide)).rejects.toMatchObject({ code: 'E015' });
  });

  it('stops a flood of short lines', async () => {
    await expect(
      through(
        Array.from({ length: 20 }, () => 'yes\n'),
        limits,
      ),
    ).rejects.toMatchObject({ code: 'E015' });
  });
});

/** Milliseconds. */
const IDLE_MS = 60_000;

describe('the limit of silence', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
  afterEach(() => jest.useRealTimers());

  const awaited = () => {
    const output = new OutputLimit({ lineBytes: 1000, totalBytes: 1000, idleMs: IDLE_MS });
    output.awaitOutput();
    return output;
  };

  it('ends what says nothing, and begins anew with each byte', async () => {
    const output = awaited();
    const failed = once(output, 'error') as Promise<unknown[]>;
    jest.advanceTimersByTime(IDLE_MS - 1);
    output.write('x');
    jest.advanceTimersByTime(IDLE_MS - 1);
    expect(output.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    expect(await failed).toMatchObject([{ code: 'E001', details: { limit: 'idle' } }]);
  });

  it('is over with the output, also when nobody has read it', async () => {
    const output = awaited();
    output.end('never read');
    await once(output, 'finish');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not begin for what has ended', async () => {
    const output = awaited();
    output.end();
    await once(output, 'finish');
    output.awaitOutput();
    expect(jest.getTimerCount()).toBe(0);
  });
});
