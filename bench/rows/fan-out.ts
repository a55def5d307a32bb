/** What it costs to hand one event to many. */
import type { Delivered, SubscribersOrder } from '../programs/subscribers.ts';
import { Child } from '../support/child.ts';
import type { Figure, Ground, Row } from '../support/row.ts';
import { SECRET, type Server, startServer } from '../support/server.ts';

interface Shape {
  executions: number;
  /** Of each execution; half of them over SSE, half over socket.io. */
  readers: number;
  events: number;
  /** Milliseconds between two events: more than the joining window, so that each piece of text is one. */
  everyMs: number;
}

export const fanOut: Row = {
  name: 'fan-out',
  measures:
    'events to many readers, half over SSE and half over socket.io, in processes of their own: one execution with ' +
    '1 000 readers and 1 000 events, then 50 executions with 20 readers each; the processor time of the server',
  async run(ground) {
    const one = ground.quick
      ? { executions: 1, readers: 40, events: 30, everyMs: 30 }
      : { executions: 1, readers: 1000, events: 1000, everyMs: 40 };
    const many = ground.quick
      ? { executions: 2, readers: 10, events: 20, everyMs: 30 }
      : { executions: 50, readers: 20, events: 300, everyMs: 40 };
    return [...(await figuresOf(ground, one)), ...(await figuresOf(ground, many))];
  },
};

async function figuresOf(ground: Ground, shape: Shape): Promise<Figure[]> {
  const { executions, readers, events } = shape;
  const name = `${executions} × ${readers} readers`;
  await using server = await startServer(ground, {
    CLAUDE_CODE_MAX_CONCURRENT: String(executions),
    // All the readers are one user at one address.
    SOCKETS_PER_USER: '10000',
    CONNECTIONS_PER_ADDRESS: '10000',
  });
  const { cpuMs, wallMs, delivered } = await deliver(server, shape);
  const count = delivered.reduce((sum, { deliveries }) => sum + deliveries, 0);
  const missing = delivered.reduce((sum, part) => sum + part.missing, 0);
  const gaps = delivered.reduce((sum, part) => sum + part.gaps, 0);
  ground.say(`${name}: ${count} deliveries of about ${events} events each, ${gaps} gaps`);
  return [
    { name: `${name}: missing`, unit: 'count', samples: [missing], goal: { atMost: 0 } },
    { name: `${name}: gaps that were fetched`, unit: 'count', samples: [gaps] },
    { name: `${name}: server CPU per delivery`, unit: 'µs', samples: [(cpuMs * 1000) / count] },
    { name: `${name}: rate`, unit: 'deliveries/s', samples: [(count / wallMs) * 1000] },
  ];
}

async function deliver(
  server: Server,
  shape: Shape,
): Promise<{ cpuMs: number; wallMs: number; delivered: Delivered[] }> {
  // It waits in its sandbox until all have subscribed, for 1 000 handshakes and 50 starts of the CLI.
  const waitMs = 2000 + shape.readers * shape.executions * 10 + shape.executions * 600;
  const prompt = `@wait ${waitMs}ms\n@deltas ${shape.events} every ${shape.everyMs}ms of "some words "`;
  const submitted = [];
  for (let index = 0; index < shape.executions; index += 1)
    submitted.push(await server.submit(prompt, { projectId: `p${index}` }));
  const order: Omit<SubscribersOrder, 'transport'> = {
    url: server.url,
    secret: SECRET,
    executionIds: submitted.map(({ id }) => id),
    readersEach: shape.readers / 2,
  };
  await using overSse = new Child('subscribers', { ...order, transport: 'sse' });
  await using overSocket = new Child('subscribers', { ...order, transport: 'socket.io' });
  await Promise.all([overSse.next(), overSocket.next()]);
  const before = await server.look();
  const begun = performance.now();
  const delivered = await Promise.all([overSse.next<Delivered>(), overSocket.next<Delivered>()]);
  const after = await server.look();
  return { cpuMs: after.cpuMs - before.cpuMs, wallMs: performance.now() - begun, delivered };
}
