/** The offline stand-in for the model: a real HTTP server that speaks as its providers do and answers by script or by habit. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { Conversation, type RehearsalRequest } from './conversation.js';
import type { Dialect } from './dialect.js';
import { geminiDialect } from './gemini-dialect.js';
import { improvise, structured } from './improvise.js';
import { messagesDialect } from './messages-dialect.js';
import { openaiDialect } from './openai-dialect.js';
import { perform, refuse } from './perform.js';
import { PromptCache } from './prompt-cache.js';
import { RehearsalBatches } from './rehearsal-batches.js';
import { parseScript } from './script.js';
import type { Step } from './step.js';
import { tokensOf } from './tokens.js';

/** A request as it reached the stand-in. */
export interface RecordedRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed JSON; undefined when there was none. */
  body?: unknown;
}

/** Requests and conversations that are remembered; older ones are forgotten. */
const REMEMBERED = 100;

export class RehearsalModel {
  /** The last requests, oldest first, for tests to look at. */
  readonly requests: RecordedRequest[] = [];
  private readonly server = createServer((request, response) => void this.handle(request, response));
  private readonly stopping = new AbortController();
  private readonly cache = new PromptCache();
  private readonly batches = new RehearsalBatches(this.stopping.signal);
  /** How often each fault happened, by conversation. */
  private readonly faults = new Map<string, Map<string, number>>();

  /** Listens on a free port of the loopback interface. */
  async start(): Promise<{ url: string }> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    // A server that listens on TCP has such an address.
    const { port } = this.server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}` };
  }

  /** Ends every answer under way. Idempotent. */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.stopping.signal]);
    try {
      await this.answer(request, response, signal);
    } catch (error) {
      if (!signal.aborted) refuse(response, dialectOf(pathOf(request)), 500, String(error));
    }
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { method = '', url = '', headers } = request;
    const body = method === 'POST' ? await json(request).catch(() => undefined) : undefined;
    this.record({ method, path: url, headers, body });
    if (method === 'HEAD') return void response.end();
    if (this.batches.answers(request, response, body)) return;
    const path = pathOf(request);
    const dialect = dialectOf(path);
    if (!dialect.answers(path) && !dialect.counts(path)) {
      refuse(response, dialect, 404, `no such path: ${path}`);
      return;
    }
    const asked = read(dialect, body, path);
    if (asked instanceof Error) {
      refuse(response, dialect, 400, asked.message);
      return;
    }
    const inputTokens = tokensOf(JSON.stringify(body ?? ''));
    if (dialect.counts(path)) {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(dialect.count(inputTokens)));
      return;
    }
    const conversation = new Conversation(asked);
    const { stream = false, max_tokens: maxTokens = Infinity } = asked;
    const prompt = this.cache.account(asked, inputTokens);
    await perform(nextSteps(conversation), {
      answer: dialect.answer(response, { stream, prompt, maxTokens }, path),
      ...{ dialect, conversation, response, signal },
      isDue: (index, times) => this.isDue(conversation, index, times),
    });
  }

  private record(request: RecordedRequest): void {
    this.requests.push(request);
    if (this.requests.length > REMEMBERED) this.requests.shift();
  }

  private isDue(conversation: Conversation, index: number, times = Infinity): boolean {
    const seen = this.faults.get(conversation.id) ?? new Map<string, number>();
    this.faults.set(conversation.id, seen);
    const oldest = this.faults.keys().next().value;
    if (this.faults.size > REMEMBERED && oldest !== undefined) this.faults.delete(oldest);
    const place = `${conversation.turn}.${index}`;
    const happened = seen.get(place) ?? 0;
    if (happened >= times) return false;
    seen.set(place, happened + 1);
    return true;
  }
}

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] ?? '';

/** Whoever asks where nobody answers is told so as Anthropic would. */
const dialectOf = (path: string): Dialect =>
  [openaiDialect, geminiDialect].find((one) => one.answers(path) || one.counts(path)) ?? messagesDialect;

function read(dialect: Dialect, body: unknown, path: string): RehearsalRequest | Error {
  try {
    return dialect.read(body, path);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const DONE: Step[] = [{ kind: 'text', text: 'Done.' }];

/** By the prompt's script when it has one, else by habit. A script that doesn't `@end` also gives what the CLI waits for. */
function nextSteps(conversation: Conversation): Step[] {
  const script = parseScript(conversation.prompt);
  if (script === undefined) return improvise(conversation);
  const steps = script[conversation.turn] ?? [];
  const inside = conversation.turn < script.length - 1 || steps.some(({ kind }) => kind === 'tool');
  const ended = script.at(-1)?.some(({ kind }) => kind === 'end') === true;
  const expected = inside || ended ? [] : (structured(conversation) ?? []);
  return steps.length + expected.length === 0 ? DONE : [...steps, ...expected];
}
