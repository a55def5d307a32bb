/** An answer of the model that is there already, as if it were asked for now: to be carried out like any other. */
import { ReadableStream } from 'node:stream/web';
import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import type { ModelRoute, ModelRouteUse, UsageByModel } from '../../model-gateway/model-gateway.js';
import type { ModelClient } from './model-client.js';

/** What the model answered, as the service told it, and what that cost. */
export interface GivenAnswer {
  message: unknown;
  usage: UsageByModel;
}

/** Of the service's own blocks only those that are ours to read; the others are passed over. */
const block = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
]);
const message = z.object({
  content: z.array(z.looseObject({ type: z.string() })),
  stop_reason: z.string().nullable(),
});

type RawEvent = Anthropic.RawMessageStreamEvent;

/** A model that says this, whatever it is asked. */
export const givenModel = ({ message: given }: GivenAnswer): ModelClient => ({
  stream: () => Promise.resolve(ReadableStream.from(told(given))),
  close: () => Promise.resolve(),
});

/** The way to the model that has been gone: with its sums, and nothing behind it. */
export class GivenRoute implements ModelRoute {
  /** Nobody connects. */
  readonly socketPath = '';

  constructor(private readonly given: GivenAnswer) {}

  bind({ after, onUsage }: ModelRouteUse): void {
    void Promise.resolve(after).then(
      () => onUsage?.(this.given.usage),
      () => undefined, // nothing has begun
    );
  }

  usage(): UsageByModel {
    return this.given.usage;
  }

  failure(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** In the events of a stream, so that one reader reads both. @throws ZodError when it is no message */
function* told(given: unknown): Generator<RawEvent, void, void> {
  const { content, stop_reason: stopReason } = message.parse(given);
  for (const [index, one] of content.entries()) {
    const { data } = block.safeParse(one);
    if (data === undefined) continue;
    yield { type: 'content_block_start', index, content_block: data } as RawEvent;
    const delta = restOf(data);
    if (delta !== undefined) yield { type: 'content_block_delta', index, delta } as RawEvent;
    if (data.type === 'thinking')
      yield {
        type: 'content_block_delta',
        index,
        delta: { type: 'signature_delta', signature: data.signature },
      };
    yield { type: 'content_block_stop', index };
  }
  yield { type: 'message_delta', delta: { stop_reason: stopReason } } as RawEvent;
  yield { type: 'message_stop' };
}

function restOf(data: z.infer<typeof block>): object | undefined {
  switch (data.type) {
    case 'text':
      return { type: 'text_delta', text: data.text };
    case 'thinking':
      return { type: 'thinking_delta', thinking: data.thinking };
    case 'tool_use':
      return { type: 'input_json_delta', partial_json: JSON.stringify(data.input ?? null) };
    case 'redacted_thinking':
      return undefined;
  }
}
