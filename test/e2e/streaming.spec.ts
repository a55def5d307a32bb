import type { Socket } from 'socket.io-client';
import type { StreamItem } from '../../src/execution/execution-event.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { itemsOf } from '../support/client.js';

const numbers = (events: StreamItem[]) => events.map((event) => event.seq);
const textOf = (events: StreamItem[]) =>
  events.map((event) => (event.type === 'agent.text' ? event.data.text : '')).join('');

/** What a socket is sent about one execution until its end. */
interface Heard {
  data: (StreamItem & { text?: string })[];
  complete: { executionId: string; exitCode: number; response: { success: boolean } };
}

describe('streaming', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterAll(() => caisson.clear());

  const hundredDeltas = '@deltas 100 every 2ms of "tick "';

  it('numbers the events 1, 2, 3 … and ends with execution.finished, once', async () => {
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: hundredDeltas });
    const events = await caisson.admin.history(id);
    expect(numbers(events)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === 'execution.finished')).toHaveLength(1);
    expect(events[0]?.type).toBe('execution.queued');
    expect(events[1]?.type).toBe('execution.started');
    expect(events.at(-1)).toMatchObject({
      type: 'execution.finished',
      data: { status: 'succeeded', response: { success: true, metadata: { executionId: id } } },
    });
    expect(textOf(events)).toBe('tick '.repeat(100));
  });

  it('tells tool calls, their results, thinking, text, usage and what changed', async () => {
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt:
        '@think hmm\n@text first\n@tool Bash {"command":"echo made > made.txt; cat made.txt"}\n@text last',
    });
    const events = await caisson.admin.history(id);
    const types = new Set(events.map(({ type }) => type));
    for (const type of [
      'agent.thinking',
      'agent.text',
      'agent.tool_use',
      'agent.tool_result',
      'usage.updated',
    ] as const)
      expect(types).toContain(type);
    expect(events.find(({ type }) => type === 'agent.tool_use')?.data).toMatchObject({
      id: expect.any(String) as string,
      name: 'Bash',
      input: { command: 'echo made > made.txt; cat made.txt' },
    });
    expect(events.find(({ type }) => type === 'agent.tool_result')?.data).toMatchObject({
      output: 'made',
      isError: false,
    });
    expect(events.find(({ type }) => type === 'workspace.changed')?.data).toEqual({
      files: [{ path: 'made.txt', action: 'created', size: 5 }],
    });
  });

  it('answers the specification endpoint as a stream when asked to', async () => {
    const response = await fetch(`${caisson.url}/api/claude-code`, {
      method: 'POST',
      headers: { authorization: `Bearer ${caisson.admin.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'generate', prompt: '@text hello', options: { streaming: true } }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = await Array.fromAsync(itemsOf(response));
    expect(events[0]?.executionId).toBe(response.headers.get('x-execution-id'));
    expect(events.at(-1)?.type).toBe('execution.finished');
  });

  it('resumes from any number, by `after` and by Last-Event-ID, while it runs and after the end', async () => {
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: hundredDeltas });
    const early: StreamItem[] = [];
    for await (const event of caisson.admin.events(id)) {
      early.push(event);
      if (early.length === 5) break;
    }
    const rest = await caisson.admin.history(id, 5);
    const whole = await caisson.admin.history(id);
    expect([...early, ...rest]).toEqual(whole);
    for (const after of [0, 1, Math.floor(whole.length / 2), whole.length - 1])
      expect(await caisson.admin.history(id, after)).toEqual(whole.slice(after));
    const byHeader = await Array.fromAsync(caisson.admin.events(id, 0, { 'last-event-id': '7' }));
    expect(byHeader).toEqual(whole.slice(7));
    expect(await caisson.admin.history(id, whole.length)).toEqual([]);
  });

  it('survives a restart of the server: the whole history is there', async () => {
    const first = await startCaisson();
    const { id } = await first.admin.submit({ action: 'generate', prompt: '@text before the restart' });
    const before = await first.admin.history(id);
    await first.stop();
    const second = await startCaisson({}, first.directory);
    expect(await second.admin.history(id)).toEqual(before);
    expect(await second.admin.history(id, 3)).toEqual(before.slice(3));
    await second.clear();
  });

  it('shows two readers the same events', async () => {
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: hundredDeltas });
    const [one, other] = await Promise.all([caisson.admin.history(id), caisson.admin.history(id)]);
    expect(one).toEqual(other);
  });

  it('goes on when its readers leave', async () => {
    const { id } = await caisson.admin.submit({ action: 'generate', prompt: hundredDeltas });
    for await (const event of caisson.admin.events(id)) if (event.type === 'agent.text') break;
    expect(await caisson.admin.ended(id)).toMatchObject({ status: 'succeeded' });
  });

  it('cuts an event above EVENT_MAX_BYTES in the stream, and keeps it whole in the log', async () => {
    const small = await startCaisson({ EVENT_MAX_BYTES: '2000' });
    const { id } = await small.admin.submit({
      action: 'generate',
      prompt: '@tool Bash {"command":"head -c 20000 /dev/zero | tr \\"\\\\0\\" x"}\n@text ok',
    });
    const live = await small.admin.history(id);
    expect(await small.admin.history(id)).toEqual(live);
    const cut = live.find(({ type }) => type === 'agent.tool_result');
    expect(cut?.data).toMatchObject({ truncated: true });
    expect(JSON.stringify(cut?.data).length).toBeLessThanOrEqual(2000);
    const whole = await small.admin.get<StreamItem>(`/api/executions/${id}/events/${cut?.seq}`);
    expect(JSON.stringify(whole.body.data)).toContain('x'.repeat(20_000));
    await small.clear();
  });

  describe('over socket.io', () => {
    /** Collects what the socket hears of one execution. */
    const hear = (socket: Socket): Promise<Heard> => {
      const data: Heard['data'] = [];
      socket.on('claude-code-data', (event: Heard['data'][number]) => data.push(event));
      return new Promise((resolve) =>
        socket.on('claude-code-complete', (complete: Heard['complete']) => resolve({ data, complete })),
      );
    };

    it('acknowledges a request, streams its events and completes', async () => {
      const socket = await caisson.admin.socket();
      const heard = hear(socket);
      const { executionId } = (await socket.emitWithAck('claude-code-stream', {
        action: 'generate',
        prompt: '@text hello',
      })) as { executionId: string };
      const { data, complete } = await heard;
      expect(complete).toMatchObject({ executionId, exitCode: 0, response: { success: true } });
      expect(numbers(data)).toEqual(data.map((_, index) => index + 1));
      expect(data.find(({ type }) => type === 'agent.text')).toMatchObject({
        text: 'hello',
        data: { text: 'hello' },
      });
      expect(data.map(({ text: _, ...event }) => event)).toEqual(await caisson.admin.history(executionId));
    });

    it('loses nothing over a lost connection: it subscribes again with its last number', async () => {
      const first = await caisson.admin.socket();
      const early: StreamItem[] = [];
      const enough = new Promise<void>((resolve) =>
        first.on('claude-code-data', (event: StreamItem) => {
          early.push(event);
          if (early.length === 4) resolve();
        }),
      );
      const { executionId } = (await first.emitWithAck('claude-code-stream', {
        action: 'generate',
        prompt: hundredDeltas,
      })) as { executionId: string };
      await enough;
      first.disconnect();
      const second = await caisson.admin.socket();
      const heard = hear(second);
      await second.emitWithAck('claude-code-subscribe', { executionId, after: early.at(-1)?.seq });
      const { data } = await heard;
      expect(numbers([...early, ...data])).toEqual(numbers(await caisson.admin.history(executionId)));
    });

    it('cancels', async () => {
      const socket = await caisson.admin.socket();
      const heard = hear(socket);
      const { executionId } = (await socket.emitWithAck('claude-code-stream', {
        action: 'generate',
        prompt: '@text working\n@hang',
      })) as { executionId: string };
      await caisson.admin.firstEvent(executionId, 'agent.text');
      await socket.emitWithAck('claude-code-cancel', { executionId });
      expect((await heard).complete).toMatchObject({
        executionId,
        exitCode: 130,
        response: { error: { code: 'E013' } },
      });
    });

    afterAll(() => caisson.admin.close());
  });
});
