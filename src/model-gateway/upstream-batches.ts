/** The batch endpoint over the one pool of connections to the service, with its key, its retries and its meter. */
import { z } from 'zod';
import { AnswerMeter } from './answer-meter.js';
import { ApiError } from './api-error.js';
import { linesOf } from './lines.js';
import {
  type BatchItem,
  type BatchProgress,
  type ItemResult,
  MessageBatches,
  ServiceFailure,
} from './message-batches.js';
import { messagesReader } from './anthropic/messages-reader.js';
import { checkMessagesRequest, clampOutput } from './anthropic/messages-request.js';
import type { ModelAnswer, UsageByModel } from './model-gateway.js';
import { BATCH_PRICE } from './pricing.js';
import { isRetryable } from './retry-policy.js';
import { failureOf, MAX_ERROR_BYTES, readUpTo, unreachable } from './service-answer.js';
import type { Upstream, UpstreamAnswer } from './upstream.js';
import { UsageLedger } from './usage-ledger.js';

/** What comes back is read by the shapes of the reference: https://platform.claude.com/docs/en/api/messages/batches. */
const PATH = '/v1/messages/batches';
const HEADERS = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' };

/** Bytes of what is told of a batch itself: some hundred. */
const MAX_BATCH_BYTES = 64 * 1024;
/** Bytes of one line of the results: as for an answer that does not stream. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

const batch = z.object({
  id: z.string().regex(/^[\w-]{1,200}$/),
  processing_status: z.enum(['in_progress', 'canceling', 'ended']),
  results_url: z.string().nullish(),
});
const line = z.object({
  custom_id: z.string(),
  result: z.discriminatedUnion('type', [
    z.object({ type: z.literal('succeeded'), message: z.looseObject({ model: z.string() }) }),
    z.object({ type: z.literal('errored'), error: z.object({ error: z.object({ type: z.string() }) }) }),
    z.object({ type: z.literal('canceled') }),
    z.object({ type: z.literal('expired') }),
  ]),
});

export interface UpstreamBatchesOptions {
  upstream: () => Promise<Upstream>;
  models: readonly string[];
  onAnswer: (answer: ModelAnswer) => void;
}

export class UpstreamBatches extends MessageBatches {
  constructor(private readonly options: UpstreamBatchesOptions) {
    super();
  }

  pack({ id, request, maxOutputTokens }: BatchItem): string {
    try {
      const checked = checkMessagesRequest(request, this.options.models);
      const params = maxOutputTokens === undefined ? checked : clampOutput(checked, maxOutputTokens);
      return JSON.stringify({ custom_id: id, params });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new ServiceFailure({ code: 'E005', message: error.message }, true, error);
    }
  }

  async submit(packed: readonly string[], signal: AbortSignal): Promise<string> {
    return (await this.batch('POST', PATH, signal, `{"requests":[${packed.join(',')}]}`)).id;
  }

  async look(batchId: string, signal: AbortSignal): Promise<BatchProgress> {
    const { processing_status: status, results_url: address } = await this.batch(
      'GET',
      `${PATH}/${batchId}`,
      signal,
    );
    if (status !== 'ended') return { ended: false };
    if (typeof address !== 'string' || !URL.canParse(address))
      throw notUnderstood('it does not say where the results are');
    return { ended: true, resultsPath: (await this.options.upstream()).pathOf(address) };
  }

  async *results(path: string, signal: AbortSignal): AsyncGenerator<ItemResult, void, void> {
    const { chunks } = await this.ask('GET', path, signal);
    try {
      for await (const text of linesOf(chunks, MAX_LINE_BYTES)) yield resultOf(text);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ServiceFailure) throw error;
      throw notUnderstood('the results ended early, or without an end', error);
    }
  }

  async cancel(batchId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.batch('POST', `${PATH}/${batchId}/cancel`, signal, '');
    } catch (error) {
      // One that has ended cannot be cancelled, which is as good.
      if (!(error instanceof ServiceFailure && error.isFinal)) throw error;
    }
  }

  private async batch(method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: string) {
    const { chunks } = await this.ask(method, path, signal, body);
    try {
      const text = (await readUpTo(chunks, MAX_BATCH_BYTES)).toString('utf8');
      return batch.parse(JSON.parse(text));
    } catch (error) {
      signal.throwIfAborted();
      throw notUnderstood('it is no batch', error);
    }
  }

  /** A success. @throws ServiceFailure */
  private async ask(
    method: 'GET' | 'POST',
    path: string,
    signal: AbortSignal,
    body?: string,
  ): Promise<UpstreamAnswer> {
    const upstream = await this.options.upstream();
    const startedAt = performance.now();
    let attempts = 0;
    const told = (status: number) =>
      this.options.onAnswer({ path: PATH, status, durationMs: performance.now() - startedAt, attempts });
    let answer: UpstreamAnswer;
    try {
      answer = await upstream.send({
        ...{ method, path, headers: HEADERS, body, signal },
        onAttempt: () => (attempts += 1),
      });
    } catch (error) {
      signal.throwIfAborted();
      told(502);
      throw new ServiceFailure(unreachable(error), false, error);
    }
    told(answer.status);
    if (answer.status < 300) return answer;
    const text = (await readUpTo(answer.chunks, MAX_ERROR_BYTES)).toString('utf8');
    throw new ServiceFailure(failureOf(answer, text), !isPassing(answer.status));
  }
}

/** What may be another one later: too much at once, a conflict, the service's own trouble. */
const isPassing = (status: number): boolean => isRetryable(status) || [408, 409, 425].includes(status);

const notUnderstood = (why: string, cause?: unknown) =>
  new ServiceFailure(
    { code: 'E005', message: `the answer of the model service was not understood: ${why}` },
    false,
    cause,
  );

/** @throws ServiceFailure when the line is no result */
function resultOf(text: string): ItemResult {
  const { custom_id: id, result } = parsed(text);
  switch (result.type) {
    case 'succeeded':
      return { id, kind: 'answered', message: result.message, usage: usageOf(result.message) };
    case 'errored': {
      const { type } = result.error.error;
      const code = type === 'rate_limit_error' ? 'E002' : 'E005';
      return {
        id,
        kind: 'failed',
        code,
        message: `the model service answered with an error (${type.slice(0, 100)})`,
      };
    }
    default:
      return { id, kind: result.type };
  }
}

function parsed(text: string): z.infer<typeof line> {
  try {
    return line.parse(JSON.parse(text));
  } catch (error) {
    throw notUnderstood('a line of the results is none', error);
  }
}

/** Metered as an answer that came by itself, at the price of a batch. */
function usageOf(message: { model: string }): UsageByModel {
  const meter = new AnswerMeter('json', messagesReader);
  meter.feed(Buffer.from(JSON.stringify(message)));
  const ledger = new UsageLedger();
  ledger.add(message.model, meter.result().tokens, BATCH_PRICE);
  return ledger.sums();
}
