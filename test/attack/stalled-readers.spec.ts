/** Readers of events that stop reading: cut off after STREAM_STALL_MS, at a bounded cost, while others read on. */
import type { Server } from 'node:http';
import { promisify } from 'node:util';
import { EventLog } from '../../src/execution/event-log.js';
import type { Fact } from '../../src/execution/execution-event.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { collectedHeapBytes } from '../support/heap.js';
import { until } from '../support/processes.js';
import { rawConnection } from '../support/raw-socket.js';
import { RawWebSocket } from '../support/raw-websocket.js';

const MIB = 1024 * 1024;
/** Above what the kernel takes for a connection whose reader stands still, some 6 MB. */
const SAID = 64 * MIB;
const PIECE = 60_000;
/** What may be held: 50 events for a reader, some of them twice while they are written. */
const HELD = 24 * MIB;

describe('a reader that stops reading', () => {
  let caisson: Caisson;
  let client: Client;
  let id: string;
  beforeAll(async () => {
    caisson = await startCaisson({
      STREAM_STALL_MS: '1000',
      STREAM_BUFFER_EVENTS: '50',
      SOCKETS_PER_USER: '1',
    });
    client = await caisson.clientOf('slow');
  });
  beforeEach(async () => {
    ({ id } = await client.submit({ action: 'analyze', prompt: '@text Working.\n@hang' }));
    await client.firstEvent(id, 'agent.text');
  });
  afterEach(() => client.call('POST', `/api/executions/${id}/cancel`));
  afterAll(() => caisson.clear());

  /**
   * As if the agent had said so much: through the log, since no model says it in one answer; as fast as one reads who
   * does read. @returns what it cost in bytes
   */
  const say = async (): Promise<number> => {
    const log = caisson.app.get(EventLog, { strict: false });
    const fact: Fact = { type: 'agent.text', data: { text: 'x'.repeat(PIECE) } };
    const attentive = client.events(id);
    const before = collectedHeapBytes() + process.memoryUsage().external;
    for (let said = 0; said < SAID; said += PIECE) {
      await log.append(id, 1, [fact]);
      await attentive.next();
    }
    const after = collectedHeapBytes() + process.memoryUsage().external;
    await attentive.return();
    return after - before;
  };
  const connections = (): Promise<number> => {
    const server: Server = caisson.app.getHttpServer();
    return promisify(server.getConnections.bind(server))();
  };

  it('[A81] over SSE costs a bounded amount, is cut off, and can resume after what it has got', async () => {
    const stalled = Array.from({ length: 10 }, () => rawConnection(caisson.url));
    for (const { socket } of stalled)
      socket.write(
        `GET /api/executions/${id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${client.secret}\r\n\r\n`,
      );
    await until(() => stalled.every(({ received }) => received().includes('agent.text')));
    for (const { socket } of stalled) socket.pause();

    expect(await say()).toBeLessThan(HELD);
    await until(async () => (await connections()) < stalled.length);

    for (const { socket } of stalled) socket.resume();
    for (const { received, closed } of stalled) {
      await closed;
      const whole = received().split('\n\n').slice(0, -1);
      const last = Number(/^id: (\d+)$/m.exec(whole.findLast((frame) => frame.includes('id: ')) ?? '')?.[1]);
      expect(last).toBeLessThan(SAID / PIECE);
      for await (const { seq } of client.events(id, last)) {
        expect(seq).toBe(last + 1);
        break;
      }
    }
  });

  it('[A75] over socket.io costs a bounded amount and is cut off, though it answers pings unasked', async () => {
    const slow = await RawWebSocket.open(caisson.url, client.secret);
    slow.send(`421${JSON.stringify(['claude-code-subscribe', { executionId: id }])}`);
    await slow.text((text) => text.includes('agent.text'));
    slow.socket.pause();
    const pongs = setInterval(() => slow.send('3'), 100);
    try {
      expect(await say()).toBeLessThan(HELD);
      // One socket a user: another one is let in when the first is none any more.
      await until(async () => {
        const next = await client.socket();
        const answer: unknown = await next
          .timeout(1000)
          .emitWithAck('claude-code-subscribe', { executionId: 'x' })
          .catch(() => undefined);
        next.disconnect();
        return answer !== undefined;
      }, 15_000);
    } finally {
      clearInterval(pongs);
      slow.socket.destroy();
      client.close();
    }
  });
});
