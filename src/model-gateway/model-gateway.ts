/** The model gateway port: one unix socket per sandbox, the only way out; it adds the key, meters and caps. */
import type Emittery from 'emittery';
import type { Provider } from '../config/acp-agents.js';
import type { ErrorCode } from '../errors/catalogue.js';

/** Tokens as the provider's wire format counts them, and what they cost. */
export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  /** US dollars by the price table of `pricing.ts`; undefined when the model has no known price. */
  costUsd?: number;
}

/** Usage by model id, as metered on the wire. */
export type UsageByModel = Readonly<Record<string, TokenUsage>>;

/** What a route is opened for: a sandbox, which may be there before anybody knows its execution. */
export interface ModelRouteOrder {
  /** Host uid that may connect (owner of the socket, mode 0600); undefined = the server's own. */
  uid?: number;
  /** Whose wire format is spoken, and whose key is put in; by default Anthropic's. */
  provider?: Provider;
  /** Models that may be asked for; by default CLAUDE_CODE_MODELS. */
  models?: readonly string[];
  /** Times that the model may be asked before it is refused with E011; undefined: any number. */
  maxTurns?: number;
}

/** The execution that a route serves, once and for all. */
export interface ModelRouteUse {
  executionId: string;
  /** Upper bound of output tokens over all requests of this route; requests are clamped, then refused with E011. */
  maxOutputTokens?: number;
  /** Called after each metered answer with the sums so far. */
  onUsage?: (usage: UsageByModel) => void;
  /** Requests wait for it; when it rejects, they are refused. */
  after?: Promise<unknown>;
}

/** Why the route refused or failed last, as a code of the catalogue: lets the runner name the true cause of an end. */
export interface RouteFailure {
  code: Extract<ErrorCode, 'E002' | 'E005' | 'E011'>;
  message: string;
  /** Seconds, from upstream's Retry-After if it sent one. */
  retryAfter?: number;
}

/** An open way to the model for one sandbox. Its socket is its identity. */
export interface ModelRoute {
  readonly socketPath: string;
  /** Until then every request is refused, and never reaches the model. @throws Error when it is bound already */
  bind(use: ModelRouteUse): void;
  /** Sums so far. */
  usage(): UsageByModel;
  /** The last failure that was passed on to the agent, if no successful answer followed it. */
  failure(): RouteFailure | undefined;
  /** Stops listening, aborts what is under way, removes the socket. Idempotent. */
  close(): Promise<void>;
}

/** One request of an agent and how it was answered: for metrics and the log; never a body, a header or an identity. */
export interface ModelAnswer {
  /** One of the forwarded paths without its query and model, that of the batches, or `other`: what a sandbox asks for can't make it grow. */
  path: string;
  /** As sent to the agent; 499 when it left first, 502 when upstream cut its answer. */
  status: number;
  /** From the arrival of the request to the end of its answer, including retries. */
  durationMs: number;
  /** To the first byte of upstream's answer, including retries; undefined when there was none. */
  firstByteMs?: number;
  /** Tries at upstream, 0 when it was not asked. */
  attempts: number;
  /** As the answer names it. */
  model?: string;
}

export abstract class ModelGateway {
  /** Tells of every answer after it has ended; what a listener throws is logged. */
  abstract readonly answers: Emittery<{ answer: ModelAnswer }>;

  /** @throws ClaudeCodeError E012 when the socket cannot be made, or the provider has no key. */
  abstract open(order: ModelRouteOrder): Promise<ModelRoute>;
}
