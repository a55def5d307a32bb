/**
 * A model service on loopback that does wrong what a prompt asks it to (`fault=<name>`), and else is the rehearsal. Of batches
 * a prompt in them says which endpoint does wrong, and how often: `create-fault=<name>*2`, `poll-fault=…`, `results-fault=…`.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as ask } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { WrongBatches } from './wrong-batches.js';

const frame = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const START = frame('message_start', {
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 1 },
  },
});
const BLOCK = frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
const delta = (text: string) =>
  frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
const END =
  frame('content_block_stop', { index: 0 }) +
  frame('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 7 },
  }) +
  frame('message_stop', {});
const WHOLE = START + BLOCK + delta('All of it.') + END;

const EVENTS = 'content-type: text/event-stream\r\n';
/** The head of an answer; without a length its end is the end of the connection. */
const head = (headers: string, status = '200 OK') =>
  `HTTP/1.1 ${status}\r\n${headers}connection: close\r\n\r\n`;
const sized = (headers: string, body: string, length: number, status?: string) =>
  head(`${headers}content-length: ${length}\r\n`, status) + body;

const error = (status: string, type: string, headers = '') => {
  const body = JSON.stringify({ type: 'error', error: { type, message: 'as asked for' } });
  return sized(`content-type: application/json\r\n${headers}`, body, body.length, status);
};

const MIB = 1024 * 1024;

/** What each fault does with a connection whose request has been read. */
const FAULTS = {
  'hang-before-head': () => undefined,
  'hang-in-the-middle': (socket: Socket) => socket.write(head(EVENTS) + START + BLOCK + delta('Half')),
  'cut-inside-an-event': (socket: Socket) =>
    socket.end(head(EVENTS) + START + BLOCK + delta('Half').slice(0, -20)),
  'end-without-stop': (socket: Socket) => socket.end(head(EVENTS) + START + BLOCK + delta('Half')),
  'length-too-large': (socket: Socket) => socket.end(sized(EVENTS, WHOLE, WHOLE.length + 1000)),
  'length-too-small': (socket: Socket) => socket.end(sized(EVENTS, WHOLE, WHOLE.length - 150)),
  'rubbish-events': (socket: Socket) =>
    socket.end(`${head(EVENTS)}data: {"type":\n\nevent: no\ndata: [1,\n\n`),
  'invalid-utf-8': (socket: Socket) => {
    socket.write(head(EVENTS) + START + BLOCK);
    socket.write(Buffer.from([0xff, 0xfe, 0xc0, 0xaf, 0x0a, 0x0a]));
    socket.end(delta('Whole.') + END);
  },
  'error-of-10-mib': (socket: Socket) =>
    socket.end(
      sized('content-type: application/json\r\n', 'x'.repeat(10 * MIB), 10 * MIB, '400 Bad Request'),
    ),
  'endless-error': (socket: Socket) =>
    endless(socket, head('content-type: application/json\r\n', '400 Bad Request')),
  'endless-event': (socket: Socket) => endless(socket, `${head(EVENTS)}data: `),
  'endless-json': (socket: Socket) => endless(socket, `${head('content-type: application/json\r\n')}{"`),
  'html-with-200': (socket: Socket) => socket.end(sized('content-type: text/html\r\n', '<html>', 6)),
  'gzip-not-asked': (socket: Socket) => {
    socket.write(head(`${EVENTS}content-encoding: gzip\r\n`));
    socket.end(gzipSync(WHOLE));
  },
  'continue-for-ever': (socket: Socket) => repeat(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
  'no-content': (socket: Socket) => socket.end(head('', '204 No Content')),
  redirect: (socket: Socket) =>
    socket.end(head('location: http://169.254.169.254/\r\ncontent-length: 0\r\n', '302 Found')),
  reset: (socket: Socket) => socket.resetAndDestroy(),
  overloaded: (socket: Socket) => socket.end(error('529 Overloaded', 'overloaded_error')),
  limited: (socket: Socket) =>
    socket.end(error('429 Too Many Requests', 'rate_limit_error', 'retry-after: 0\r\n')),
  refused: (socket: Socket) => socket.end(error('400 Bad Request', 'invalid_request_error')),
  unknown: (socket: Socket) => socket.end(error('404 Not Found', 'not_found_error')),
  'rubbish-json': (socket: Socket) => socket.end(sized('content-type: application/json\r\n', '{"id":7}', 8)),
  'rubbish-lines': (socket: Socket) =>
    socket.end(sized('content-type: application/x-jsonl\r\n', '{"custom_id":\n', 14)),
  'empty-lines': (socket: Socket) => socket.end(sized('content-type: application/x-jsonl\r\n', '\n\n', 2)),
  'endless-line': (socket: Socket) => endless(socket, `${head('content-type: application/x-jsonl\r\n')}{"`),
  'tls-alert': (socket: Socket) => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])),
  'tiny-chunks': async (socket: Socket) => {
    socket.setNoDelay(true);
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n' + `${EVENTS}\r\n`);
    const text = START + BLOCK + delta('t'.repeat(4000)) + END;
    for (const byte of text) if (!socket.write(`1\r\n${byte}\r\n`)) await once(socket, 'drain');
    socket.end('0\r\n\r\n');
  },
  'slow-drip': async (socket: Socket) => {
    socket.write(head(EVENTS) + START + BLOCK);
    while (socket.writable) {
      socket.write(delta('.'));
      await delay(200);
    }
  },
} satisfies Record<string, (socket: Socket) => unknown>;

export type FaultName = keyof typeof FAULTS;
const isFault = (name: string): name is FaultName => Object.hasOwn(FAULTS, name);

async function endless(socket: Socket, beginning: string): Promise<void> {
  socket.write(beginning);
  await repeat(socket, 'x'.repeat(64 * 1024));
}

async function repeat(socket: Socket, text: string): Promise<void> {
  while (socket.writable)
    if (!socket.write(text)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    else await delay(0);
}

export interface FaultyUpstream {
  url: string;
  /** Requests that had this fault. */
  asked(fault: FaultName): number;
  stop(): Promise<void>;
}

export async function faultyUpstream(): Promise<FaultyUpstream> {
  const rehearsal = new RehearsalModel();
  const { url } = await rehearsal.start();
  const counts = new Map<string, number>();
  const batches = new WrongBatches();
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const ofBatches = request.url?.startsWith('/v1/messages/batches') === true;
      const name = ofBatches ? batches.due(request, body) : /(?<!-)fault=([\w-]+)/.exec(body)?.[1];
      if (name !== undefined && isFault(name)) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        request.socket.on('error', () => undefined);
        // The gateway may leave in the middle, and `once` tells of that too.
        return void Promise.resolve(FAULTS[name](request.socket)).catch(() => undefined);
      }
      const { method, headers } = request;
      ask(new URL(request.url ?? '/', url), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        if (ofBatches && method === 'POST') answer.once('data', (said) => batches.taken(body, String(said)));
        answer.pipe(response);
      }).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: (fault) => counts.get(fault) ?? 0,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await rehearsal.stop();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
