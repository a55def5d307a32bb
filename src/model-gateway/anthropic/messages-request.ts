/** The body of a request to the Messages API, as far as the gateway looks into it. */
import { z } from 'zod';
import { checkBody, mustBeListed, parseBody } from '../request-body.js';

const schema = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.number().int().positive().optional(),
  thinking: z.looseObject({ type: z.string(), budget_tokens: z.number().optional() }).optional(),
  context_management: z
    .looseObject({ edits: z.array(z.looseObject({ type: z.string() })).optional() })
    .optional(),
});

export type MessagesRequest = z.infer<typeof schema>;

const SERVICE = 'Messages API';
/** The API's smallest thinking budget, in tokens. */
const MIN_THINKING = 1024;

/**
 * @param models names (without date) that may be asked for: the server's key serves no others
 * @throws ApiError 400 when it is no such request, 404 when the model is not one of them
 */
export function parseMessagesRequest(body: Buffer, models: readonly string[]): MessagesRequest {
  return listed(parseBody(body, schema, SERVICE), models);
}

/** The same of one that is no text. @throws ApiError as `parseMessagesRequest` */
export function checkMessagesRequest(body: unknown, models: readonly string[]): MessagesRequest {
  return listed(checkBody(body, schema, SERVICE), models);
}

function listed(request: MessagesRequest, models: readonly string[]): MessagesRequest {
  mustBeListed(request.model, models);
  return request;
}

/** The request with at most `granted` output tokens; thinking is shortened with it, or left out where it no longer fits. */
export function clampOutput(request: MessagesRequest, granted: number): MessagesRequest {
  if (request.max_tokens !== undefined && request.max_tokens <= granted) return request;
  const clamped: MessagesRequest = { ...request, max_tokens: granted };
  const { thinking } = request;
  if (thinking?.budget_tokens === undefined || thinking.budget_tokens < granted) return clamped;
  // Half for thinking, so that there is room left for the answer itself.
  const shortened = Math.floor(granted / 2);
  if (shortened < MIN_THINKING) return withoutThinking(clamped);
  return { ...clamped, thinking: { ...thinking, budget_tokens: shortened } };
}

/** The API refuses the context edit `clear_thinking_*` when thinking is off, so it goes too. */
function withoutThinking(request: MessagesRequest): MessagesRequest {
  const rest = { ...request };
  delete rest.thinking;
  const edits = rest.context_management?.edits?.filter(({ type }) => !type.startsWith('clear_thinking'));
  if (edits === undefined || edits.length === 0) delete rest.context_management;
  else rest.context_management = { ...rest.context_management, edits };
  return rest;
}
