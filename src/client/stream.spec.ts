import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CaissonClient, CaissonError } from './client.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const TOTAL = 9;
const event = (seq: number) => ({
  executionId: 'x',
  seq,
  at: 0,
  type: seq === TOTAL ? 'execution.finished' : 'agent.text',
  data: seq === TOTAL ? { status: 'succeeded', response: { success: true } } : { text: String(seq) },
});
const frame = (seq: number) => `id: ${seq}\nevent: x\ndata: ${JSON.stringify(event(seq))}\n\n`;
const refuse =
  (status: number, code?: string): Answer =>
  (_request, response) =>
    response
      .writeHead(status, { 'retry-after': '1' })
      .end(
        code === undefined ? '<html>' : JSON.stringify({ success: false, error: { code, message: 'No.' } }),
      );
/** Sends so many of what comes after the number that was asked for, then does something else. */
const send =
  (count: number, then: (response: ServerResponse) => void): Answer =>
  (request, response) => {
    const after = Number(request.headers['last-event-id']);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let seq = after + 1; seq <= Math.min(after + count, TOTAL); seq += 1) response.write(frame(seq));
    response.write(': still here\n\n', () => then(response));
  };

describe('a stream of events', () => {
  const server = createServer();
  let answers: Answer[] = [];
  let client: CaissonClient;

  beforeAll(async () => {
    server.on('request', (request, response) => answers.shift()?.(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = new CaissonClient({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      key: 'k',
    });
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function numbers(options = {}): Promise<number[]> {
    const seen: number[] = [];
    for await (const { seq } of client.events('x', options)) seen.push(seq);
    return seen;
  }
  const end = (response: ServerResponse) => response.end();
  const cut = (response: ServerResponse) => response.destroy();
  const all = (after: number) => Array.from({ length: TOTAL - after }, (_, index) => after + index + 1);

  it('brings every event once and in order, across cuts, ends, refusals that pass and events told twice', async () => {
    const told: string[] = [];
    const twice: Answer = (_request, response) => response.writeHead(200).end(frame(4) + frame(5) + frame(6));
    answers = [send(3, cut), refuse(503, 'E012'), send(2, end), twice, refuse(502), send(TOTAL, end)];
    expect(await numbers({ onInterruption: ({ message }: Error) => told.push(message) })).toEqual(all(0));
    expect(answers).toEqual([]);
    expect(told.length).toBe(5);
  });

  it('fetches what it was too slow for', async () => {
    const gap = { executionId: 'x', seq: 2, at: 0, type: 'stream.gap', data: { after: 2, before: 7 } };
    const told: Error[] = [];
    answers = [
      send(2, (response) => response.end(`event: stream.gap\ndata: ${JSON.stringify(gap)}\n\n`)),
      send(TOTAL, end),
    ];
    expect(await numbers({ onInterruption: (error: Error) => told.push(error) })).toEqual(all(0));
    expect(told).toEqual([]);
  });

  it('begins after a number', async () => {
    answers = [send(TOTAL, end)];
    expect(await numbers({ after: 6 })).toEqual(all(6));
  });

  it('ends with the reason when it is refused for good', async () => {
    answers = [refuse(404, 'E009')];
    await expect(numbers()).rejects.toEqual(new CaissonError('E009', 'No.', 404));
  });

  it('gives up when the server is away for too long', async () => {
    answers = Array.from({ length: 5 }, () => refuse(503, 'E012'));
    const refusal = await numbers({ patienceMs: 300 }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'E012', status: 503, retryAfter: 1, passing: true });
  });

  it('stops when it is told to, with the reason', async () => {
    const stop = new AbortController();
    answers = [send(2, () => stop.abort(new Error('enough')))];
    await expect(numbers({ signal: stop.signal })).rejects.toThrow('enough');
  });

  it('may be left at any event', async () => {
    answers = [send(TOTAL, end)];
    for await (const { seq } of client.events('x')) if (seq === 3) break;
    expect(answers).toEqual([]);
  });
});
