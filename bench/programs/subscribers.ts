/** Many readers of events in a process of their own, so that they take nothing of the server's event loop. */
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { io, type Socket } from 'socket.io-client';

export interface SubscribersOrder {
  url: string;
  secret: string;
  transport: 'sse' | 'socket.io';
  /** Which executions are followed, each by that many readers. */
  executionIds: string[];
  readersEach: number;
}

export interface Delivered {
  deliveries: number;
  missing: number;
  /** Times that a reader was told to fetch what it had not kept up with; it did. */
  gaps: number;
}

const order = JSON.parse(process.argv[2] ?? '') as SubscribersOrder;

interface Head {
  type: string;
  seq: number;
  data: { after?: number; before?: number };
}

/** What one reader has got of one execution. */
class Reader {
  readonly done = Promise.withResolvers<undefined>();
  readonly executionId: string;
  deliveries = 0;
  gaps = 0;
  last = 0;
  private readonly seen = new Set<number>();

  constructor(executionId: string) {
    this.executionId = executionId;
  }

  take({ type, seq, data }: Head): void {
    if (type === 'stream.gap') {
      this.gaps += 1;
      void this.fetchMissed(data.after ?? 0, data.before ?? 0);
      return;
    }
    this.deliveries += 1;
    this.seen.add(seq);
    if (type === 'execution.finished') this.last = seq;
    if (this.last > 0 && this.missing === 0) this.done.resolve(undefined);
  }

  get missing(): number {
    return this.last - this.seen.size;
  }

  private async fetchMissed(after: number, before: number): Promise<void> {
    const response = await openStream(this.executionId, after);
    for await (const head of eventsOf(response)) {
      if (head.seq >= before) break;
      this.take(head);
    }
    response.destroy();
  }
}

async function openStream(executionId: string, after: number): Promise<IncomingMessage> {
  const request = get(`${order.url}/api/executions/${executionId}/events?after=${after}`, {
    agent: false,
    headers: { authorization: `Bearer ${order.secret}` },
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`no stream: ${response.statusCode}`);
  return response;
}

/** No library: a thousand readers share the processors with the server, and this is a tenth of what one costs. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<Head, void, void> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const frames = (rest + String(chunk)).split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      const at = frame.indexOf('data: ');
      if (at !== -1) yield JSON.parse(frame.slice(at + 'data: '.length)) as Head;
    }
  }
}

async function readSse(reader: Reader): Promise<void> {
  const response = await openStream(reader.executionId, 0);
  void (async () => {
    for await (const head of eventsOf(response)) reader.take(head);
  })();
}

const sockets: Socket[] = [];

async function readSocket(reader: Reader): Promise<void> {
  const socket = io(order.url, { auth: { token: order.secret }, transports: ['websocket'], forceNew: true });
  sockets.push(socket);
  socket.on('claude-code-data', (head: Head) => reader.take(head));
  await once(socket as unknown as NodeJS.EventEmitter, 'connect');
  const { executionId } = reader;
  const answer = (await socket.emitWithAck('claude-code-subscribe', { executionId, after: 0 })) as {
    error?: unknown;
  };
  if (answer.error !== undefined) throw new Error(`refused: ${JSON.stringify(answer.error)}`);
}

const readers = order.executionIds.flatMap((executionId) =>
  Array.from({ length: order.readersEach }, () => new Reader(executionId)),
);
const subscribe = order.transport === 'sse' ? readSse : readSocket;
// Some at a time: a thousand handshakes at once would measure the handshake.
for (let first = 0; first < readers.length; first += 50)
  await Promise.all(readers.slice(first, first + 50).map(subscribe));
process.send?.({ ready: true });
await Promise.all(readers.map(({ done }) => done.promise));
const sum = (of: (reader: Reader) => number) => readers.reduce((total, reader) => total + of(reader), 0);
const delivered: Delivered = {
  deliveries: sum(({ deliveries }) => deliveries),
  missing: sum(({ missing }) => missing),
  gaps: sum(({ gaps }) => gaps),
};
process.send?.(delivered);
for (const socket of sockets) socket.disconnect();
process.disconnect();
