/** The API of a Caisson server for programs: every route by its type, and by name what takes more than one call. */
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './api.js';
import { CaissonError, errorOf } from './error.js';
import type { BatchItem, ExecutionEvent } from './events.js';
import { patiently, resuming, type StreamOptions } from './stream.js';

type Schemas = components['schemas'];
export type ClaudeCodeRequest = Schemas['ClaudeCodeRequest'];
export type ClaudeCodeResponse = Schemas['ClaudeCodeResponse'];
export type Execution = Schemas['ExecutionView'];
export type Batch = Schemas['BatchView'];
export type { components, paths } from './api.js';
export type { ErrorCode, ResponseError } from './error.js';
export type { BatchItem, ExecutionEvent, FinishedEvent, ModelUsage } from './events.js';
export type { StreamOptions } from './stream.js';
export { CaissonError };

/** As GET /api/executions/:id/changes answers it. */
export interface Changes {
  files: {
    path: string;
    action: 'created' | 'modified' | 'deleted';
    /** Bytes after the change. */
    size: number;
    /** Text after the change; absent for binary and large files, which `changedFiles` has. */
    content?: string;
    binary?: boolean;
    truncated?: boolean;
  }[];
  directories?: { path: string; action: 'created' | 'modified' | 'deleted' }[];
  skipped: { path: string; entries: number }[];
}

export interface ClientOptions {
  /** Of the server, e.g. `http://127.0.0.1:3000`. */
  url: string;
  /** An API key. */
  key: string;
  /** For a proxy, a cache, a test. Default: the global one. */
  fetch?: (request: Request) => Promise<Response>;
}

type ArchiveType = 'application/gzip' | 'application/zip';

export class CaissonClient {
  /** Every route of the API, typed: `client.api.GET('/api/usage')`. */
  readonly api: Client<paths>;
  private readonly base: string;
  private readonly fetch: (request: Request) => Promise<Response>;
  private readonly headers: Readonly<Record<string, string>>;

  constructor({ url, key, fetch = (request) => globalThis.fetch(request) }: ClientOptions) {
    this.base = withoutEndingSlashes(url);
    this.fetch = fetch;
    this.headers = { authorization: `Bearer ${key}` };
    this.api = createClient<paths>({ baseUrl: this.base, headers: this.headers, fetch });
  }

  /**
   * Runs one request to its end, across lost connections and restarts of the server. A request that was accepted and
   * then failed is answered, with `success: false`; one that was refused is thrown.
   * @throws CaissonError
   */
  async run(request: ClaudeCodeRequest, options: StreamOptions = {}): Promise<ClaudeCodeResponse> {
    const { id } = await this.submit(request, options);
    for await (const event of this.events(id, options))
      if (event.type === 'execution.finished') return event.data.response;
    throw new Error('unreachable: a stream ends with its last event');
  }

  /**
   * Asks for an execution and does not wait for it. Sent again until it is answered; the server sees by the key that it
   * is the same one.
   * @throws CaissonError
   */
  async submit(
    request: ClaudeCodeRequest,
    { idempotencyKey = crypto.randomUUID(), ...options }: StreamOptions & { idempotencyKey?: string } = {},
  ): Promise<Execution> {
    return (await this.insist('POST', '/api/executions', request, idempotencyKey, options)) as Execution;
  }

  /**
   * All of them or none; with the mode `economy` within a day, at half the price.
   * @throws CaissonError; `details` lists each request that is wrong by its `index`
   */
  async submitBatch(
    requests: ClaudeCodeRequest[],
    {
      idempotencyKey = crypto.randomUUID(),
      mode = 'standard',
      ...options
    }: StreamOptions & { idempotencyKey?: string; mode?: Batch['mode'] } = {},
  ): Promise<Batch> {
    return (await this.insist('POST', '/api/batches', { requests, mode }, idempotencyKey, options)) as Batch;
  }

  /** Every event from a number on, once and in order, to the last; resumes by itself. @throws CaissonError */
  events(id: string, options: StreamOptions = {}): AsyncGenerator<ExecutionEvent> {
    return resuming<ExecutionEvent>({
      ...options,
      connect: (after, signal) =>
        this.stream(`/api/executions/${encodeURIComponent(id)}/events`, after, signal),
      numberOf: ({ seq }) => seq,
      isLast: ({ type }) => type === 'execution.finished',
    });
  }

  /** The events of all its executions as one stream, and how it stands; ends with `batch.finished`. @throws CaissonError */
  batchEvents(id: string, options: StreamOptions = {}): AsyncGenerator<BatchItem> {
    return resuming<BatchItem>({
      ...options,
      connect: (after, signal) => this.stream(`/api/batches/${encodeURIComponent(id)}/events`, after, signal),
      numberOf: (item) => (item.type === 'batch.updated' ? undefined : item.batchSeq),
      isLast: ({ type }) => type === 'batch.finished',
    });
  }

  /** One event, whole also where the stream had it cut. @throws CaissonError */
  async event(id: string, seq: number): Promise<ExecutionEvent> {
    return (await this.json(
      'GET',
      `/api/executions/${encodeURIComponent(id)}/events/${seq}`,
    )) as ExecutionEvent;
  }

  /** @throws CaissonError E009 */
  async execution(id: string): Promise<Execution> {
    return (await this.json('GET', `/api/executions/${encodeURIComponent(id)}`)) as Execution;
  }

  /** Harmless when it has ended already. @throws CaissonError E009 */
  async cancel(id: string): Promise<Execution> {
    return (await this.json('POST', `/api/executions/${encodeURIComponent(id)}/cancel`)) as Execution;
  }

  /** @throws CaissonError E009 */
  async cancelBatch(id: string): Promise<Batch> {
    return (await this.json('POST', `/api/batches/${encodeURIComponent(id)}/cancel`)) as Batch;
  }

  /** What it changed; nothing until it has ended. @throws CaissonError E009 */
  async changes(id: string): Promise<Changes> {
    return (await this.json('GET', `/api/executions/${encodeURIComponent(id)}/changes`)) as Changes;
  }

  /** The same as a unified diff. @throws CaissonError E009 */
  async diff(id: string): Promise<string> {
    const path = `/api/executions/${encodeURIComponent(id)}/changes`;
    return (await this.call('GET', path, { headers: { accept: 'text/x-diff' } })).text();
  }

  /** The files it created and modified, as a tar archive. @throws CaissonError E009 */
  async changedFiles(id: string): Promise<ReadableStream<Uint8Array>> {
    const path = `/api/executions/${encodeURIComponent(id)}/changes`;
    const { body } = await this.call('GET', path, { headers: { accept: 'application/x-tar' } });
    if (body === null) throw new Error('the answer has no body');
    return body;
  }

  /**
   * Unpacks an archive into a project, whole or not at all.
   * @param mode `replace`: the project holds the archive and nothing else
   * @throws CaissonError
   */
  async upload(
    projectId: string,
    archive: NonNullable<RequestInit['body']>,
    { type = 'application/gzip', mode = 'merge', signal }: UploadOptions = {},
  ): Promise<Schemas['UploadedTree']> {
    const path = `/api/projects/${encodeURIComponent(projectId)}/upload?mode=${mode}`;
    // Node needs `duplex` to send a stream; TypeScript's own types do not know it yet.
    const init: RequestInit & { duplex: 'half' } = {
      body: archive,
      duplex: 'half',
      headers: { 'content-type': type },
      ...(signal === undefined ? {} : { signal }),
    };
    return (await (await this.call('POST', path, init)).json()) as Schemas['UploadedTree'];
  }

  /** Any route, for what has no method here. @throws CaissonError when it is refused */
  async call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(this.base + path, {
      ...init,
      method,
      headers: { ...this.headers, ...(init.headers as Record<string, string> | undefined) },
    });
    const response = await this.fetch(request);
    if (!response.ok) throw errorOf(response, await response.text());
    return response;
  }

  private async json(method: string, path: string): Promise<unknown> {
    return (await this.call(method, path)).json();
  }

  private insist(
    method: string,
    path: string,
    body: object,
    idempotencyKey: string,
    options: StreamOptions,
  ): Promise<unknown> {
    const init: RequestInit = {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    return patiently(async () => (await this.call(method, path, init)).json(), options);
  }

  private stream(path: string, after: number, signal: AbortSignal): Promise<Response> {
    return this.call('GET', path, {
      headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
      signal,
    });
  }
}

export interface UploadOptions {
  type?: ArchiveType;
  mode?: 'merge' | 'replace';
  signal?: AbortSignal;
}

/** By hand: the pattern for it takes a time that grows with the square of a hostile length. */
function withoutEndingSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}
