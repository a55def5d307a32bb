/** The bodies of requests to OpenAI's Chat Completions and Responses, as far as the gateway looks into them. */
import { z } from 'zod';
import { mustBeListed, parseBody } from '../request-body.js';
import type { Ask } from '../wire.js';

/**
 * Tools that the agent carries out itself. The others are run by the provider (web search, remote MCP servers, its own
 * machines): they reach hosts that nobody granted, and what they cost is not in the tokens.
 */
const tools = z
  .array(z.looseObject({ type: z.enum(['function', 'custom', 'local_shell', 'apply_patch']) }))
  .nullish();
const tokens = z
  .number()
  .int()
  .positive()
  .nullish()
  .transform((value) => value ?? undefined);
const none = z.null().optional();

const chat = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.unknown()),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  n: z.literal(1).nullish(),
  tools,
  web_search_options: none,
});

const responses = z.looseObject({
  model: z.string().min(1),
  stream: z.boolean().nullish(),
  max_output_tokens: tokens,
  tools,
  // What is asked for in the background is fetched where nobody meters it.
  background: z.literal(false).nullish(),
});

/** @throws ApiError 400, 404 */
export function readChat(body: Buffer, models: readonly string[]): Ask {
  const request = parseBody(body, chat, 'Chat Completions API');
  mustBeListed(request.model, models);
  const { max_tokens: older, max_completion_tokens: newer } = request;
  const wanted = newer ?? older;
  return {
    maxTokens: wanted,
    body: (granted) => ({
      ...request,
      ...bounded(wanted, granted, (limit) =>
        older === undefined || newer !== undefined ? { max_completion_tokens: limit } : { max_tokens: limit },
      ),
      // Without it a stream tells no tokens.
      ...(request.stream === true
        ? { stream_options: { ...request.stream_options, include_usage: true } }
        : {}),
    }),
  };
}

/** @throws ApiError 400, 404 */
export function readResponses(body: Buffer, models: readonly string[]): Ask {
  const request = parseBody(body, responses, 'Responses API');
  mustBeListed(request.model, models);
  const wanted = request.max_output_tokens;
  return {
    maxTokens: wanted,
    body: (granted) => ({
      ...request,
      ...bounded(wanted, granted, (limit) => ({ max_output_tokens: limit })),
    }),
  };
}

function bounded(wanted: number | undefined, granted: number | undefined, limit: (tokens: number) => object) {
  return granted === undefined || (wanted !== undefined && wanted <= granted) ? {} : limit(granted);
}
