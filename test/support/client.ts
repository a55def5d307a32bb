/** A client of the API as a user would write one: fetch, server-sent events, socket.io. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { io, type Socket } from 'socket.io-client';
import type { BatchView } from '../../src/batches/batch.dto.js';
import type { BatchItem, BatchResult } from '../../src/batches/batch-stream.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { ClaudeCodeResponse } from '../../src/commands/claude-code-response.js';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import type { StreamItem } from '../../src/execution/execution-event.js';

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export class Client {
  private readonly sockets: Socket[] = [];

  constructor(
    readonly url: string,
    readonly secret: string,
  ) {}

  /** @param body a string is sent as it is, anything else as JSON */
  async call<T = ClaudeCodeResponse>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text) as T,
    };
  }

  get<T = ClaudeCodeResponse>(path: string, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.call<T>('GET', path, undefined, headers);
  }

  /** Runs one request and waits for its answer. */
  run(request: ClaudeCodeRequest, headers?: Record<string, string>): Promise<Answer<ClaudeCodeResponse>> {
    return this.call('POST', '/api/claude-code', request, headers);
  }

  /** Submits one request and does not wait. @throws Error when it is refused */
  async submit(request: ClaudeCodeRequest, headers?: Record<string, string>): Promise<ExecutionView> {
    const { status, body } = await this.call<ExecutionView>('POST', '/api/executions', request, headers);
    if (status !== 202) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async execution(id: string): Promise<ExecutionView> {
    return (await this.get<ExecutionView>(`/api/executions/${id}`)).body;
  }

  /** Submits requests as one batch. @throws Error when it is refused */
  async submitBatch(
    requests: readonly ClaudeCodeRequest[],
    headers?: Record<string, string>,
    mode?: BatchView['mode'],
  ): Promise<BatchView> {
    const { status, body } = await this.call<BatchView>('POST', '/api/batches', { requests, mode }, headers);
    if (status !== 202) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async batch(id: string): Promise<BatchView> {
    return (await this.get<BatchView>(`/api/batches/${id}`)).body;
  }

  /** Everything of a batch after a number, until its end or until the caller stops. */
  batchItems(id: string, after = 0): AsyncGenerator<BatchItem, void, void> {
    return this.sse<BatchItem>(`/api/batches/${id}/events?after=${after}`);
  }

  /** All results, in their order; waits for the end of the batch. */
  async results(id: string): Promise<BatchResult[]> {
    const { body } = await this.get<string>(`/api/batches/${id}/results`, { accept: 'application/x-ndjson' });
    return body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as BatchResult);
  }

  /** The events of an execution after a number, until its end or until the caller stops. */
  events(
    id: string,
    after = 0,
    headers: Record<string, string> = {},
  ): AsyncGenerator<StreamItem, void, void> {
    return this.sse<StreamItem>(`/api/executions/${id}/events?after=${after}`, headers);
  }

  private async *sse<T>(path: string, headers: Record<string, string> = {}): AsyncGenerator<T, void, void> {
    const leave = new AbortController();
    const response = await fetch(this.url + path, {
      headers: { authorization: `Bearer ${this.secret}`, ...headers },
      signal: leave.signal,
    });
    try {
      yield* itemsOf<T>(response);
    } finally {
      leave.abort();
    }
  }

  /** All events up to the end. */
  async history(id: string, after = 0): Promise<StreamItem[]> {
    return Array.fromAsync(this.events(id, after));
  }

  /** Resolves with the execution once it has ended. */
  async ended(id: string): Promise<ExecutionView> {
    for await (const event of this.events(id)) if (event.type === 'execution.finished') break;
    return this.execution(id);
  }

  /** Resolves with the first event of this type. @throws Error when the execution ends without one */
  async firstEvent<T extends StreamItem['type']>(
    id: string,
    type: T,
  ): Promise<Extract<StreamItem, { type: T }>> {
    for await (const event of this.events(id))
      if (event.type === type) return event as Extract<StreamItem, { type: T }>;
    throw new Error(`no ${type} in execution ${id}`);
  }

  /** A connected socket; `close` disconnects all of them. */
  async socket(): Promise<Socket> {
    const socket = io(this.url, { auth: { token: this.secret }, forceNew: true, reconnection: false });
    this.sockets.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    return socket;
  }

  close(): void {
    for (const socket of this.sockets) socket.disconnect();
  }
}

export async function* itemsOf<T = StreamItem>(response: Response): AsyncGenerator<T, void, void> {
  if (response.body === null || response.status !== 200)
    throw new Error(`no stream: ${response.status} ${await response.text()}`);
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of events) yield JSON.parse(data) as T;
}
