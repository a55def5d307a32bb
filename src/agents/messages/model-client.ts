/** The official SDK on a route of the model gateway: a unix socket, and no key; the gateway puts in the real one. */
import type Anthropic from '@anthropic-ai/sdk';
import { Agent, fetch } from 'undici';

/** What the gateway drops: the SDK will not be without one. */
const PLACEHOLDER = 'sk-placeholder';

export interface ModelClient {
  /** @throws APIError with the status that the gateway answered; AbortError */
  stream(
    request: Omit<Anthropic.MessageCreateParamsStreaming, 'stream'>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Anthropic.RawMessageStreamEvent>>;
  close(): Promise<void>;
}

/** Milliseconds. The time limits are the gateway's and the execution's; the SDK and undici have none that comes before them. */
const NO_LIMIT = 24 * 60 * 60 * 1000;

/** The SDK takes some megabytes: it is loaded by the first who needs it. */
export async function modelClient(socketPath: string): Promise<ModelClient> {
  const { Anthropic: Sdk } = await import('@anthropic-ai/sdk');
  const dispatcher = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 });
  const client = new Sdk({
    baseURL: 'http://model.gateway',
    apiKey: PLACEHOLDER,
    // The gateway retries, and it knows what has been paid for.
    maxRetries: 0,
    timeout: NO_LIMIT,
    logLevel: 'off',
    // Spans of the way to the model are the gateway's.
    openTelemetry: false,
    fetch: (url, init) =>
      // Two descriptions of one standard: undici's own types, and those of the runtime.
      fetch(url as string, {
        ...(init as Parameters<typeof fetch>[1]),
        dispatcher,
      }),
  });
  return {
    stream: (request, signal) => client.messages.create({ ...request, stream: true }, { signal }),
    close: () => dispatcher.destroy(),
  };
}
