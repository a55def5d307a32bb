/** What the gateway knows of a provider's wire format: what passes, how a request is bounded, how an answer is metered. */
import type { AnswerReader } from './tally.js';

/** What a request asks for, as far as the gateway looks into it. */
export interface Ask {
  /** Output tokens that it allows itself; undefined: as many as the model can. */
  maxTokens?: number;
  /**
   * Written anew even when nothing was changed: what was checked is what is sent, whatever a repeated key meant.
   * @param granted output tokens it may have; undefined: as many as it asks for
   */
  body(granted: number | undefined): object;
}

/** One way of asking. */
export interface Endpoint {
  /** Without what differs from request to request: for metrics and the log. */
  label: string;
  /** Path and query below the provider's base URL. */
  path: string;
  /** False when no token of the answer is the model's own: it counts tokens. */
  spends: boolean;
  /**
   * @param models names that may be asked for: the server's key serves no others
   * @throws ApiError 400 when it is no such request or asks for what may not pass, 404 when the model is not one of them
   */
  read(body: Buffer, models: readonly string[]): Ask;
  reader: AnswerReader;
}

export interface Wire {
  /** How people call what its requests go to. */
  service: string;
  /** Where the URL leads; undefined: nowhere. */
  endpoint(url: string): Endpoint | undefined;
  /** Headers of the agent's request that pass. No credential, no host, no forwarding, no hop-by-hop header is among them. */
  requestHeaders: readonly string[];
  /** The header that carries the key. */
  credential(key: string): Record<string, string>;
  /** The body of an error. */
  error(status: number, message: string): object;
  /**
   * How an agent is told that its request is not to be tried again, because the gateway has: by a header that its clients
   * honour, or else by a status (400) that nobody tries again.
   */
  final: 'header' | 'status';
}
