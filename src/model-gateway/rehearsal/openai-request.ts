/** Requests of OpenAI's two formats, told as the stand-in understands them: as those of the Messages API. */
import { z } from 'zod';
import { messagesRequest, type RehearsalRequest } from './conversation.js';

type Blocks = RehearsalRequest['messages'][number]['content'];

const parts = z.union([
  z.string().transform((text) => (text === '' ? [] : [{ type: 'text', text }])),
  z
    .array(z.looseObject({ text: z.string().optional() }))
    .transform((list) => list.flatMap(({ text }) => (text === undefined ? [] : [{ type: 'text', text }]))),
  z.null().transform(() => []),
]);
const json = z.string().transform((text): Record<string, unknown> => {
  const value: unknown = JSON.parse(text === '' ? '{}' : text);
  return { ...(value as object) };
});

const chat = z.looseObject({
  model: z.string(),
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  stream: z.boolean().nullish(),
  messages: z.array(
    z.looseObject({
      role: z.string(),
      content: parts.optional(),
      tool_call_id: z.string().optional(),
      tool_calls: z
        .array(
          z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: json }) }),
        )
        .optional(),
    }),
  ),
  tools: z
    .array(
      z.looseObject({ function: z.looseObject({ name: z.string(), parameters: z.unknown().optional() }) }),
    )
    .nullish(),
});

export function readChat(body: unknown): RehearsalRequest {
  const { model, stream, messages, tools, ...limits } = chat.parse(body);
  return messagesRequest.parse({
    model,
    stream: stream === true,
    max_tokens: limits.max_completion_tokens ?? limits.max_tokens ?? undefined,
    tools: (tools ?? []).map(({ function: { name, parameters } }) => ({ name, input_schema: parameters })),
    messages: messages.map(({ role, content = [], tool_calls: calls = [], tool_call_id: id }) =>
      role === 'tool'
        ? { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] }
        : {
            role: roleOf(role),
            content: [...content, ...calls.map((call) => toolUse(call.id, call.function))],
          },
    ),
  });
}

const item = z.union([
  z.looseObject({ role: z.string(), content: parts }),
  z.looseObject({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: json }),
  z.looseObject({ type: z.literal('function_call_output'), call_id: z.string(), output: parts }),
  z.looseObject({ type: z.string() }),
]);
const responses = z.looseObject({
  model: z.string(),
  max_output_tokens: z.number().nullish(),
  stream: z.boolean().nullish(),
  instructions: z.string().nullish(),
  input: z.union([
    z.string().transform((content) => [{ role: 'user', content: [{ type: 'text', text: content }] }]),
    z.array(item),
  ]),
  tools: z
    .array(z.looseObject({ name: z.string().optional(), parameters: z.unknown().optional() }))
    .nullish(),
});

export function readResponses(body: unknown): RehearsalRequest {
  const { model, stream, instructions, input, tools, max_output_tokens: limit } = responses.parse(body);
  const messages: { role: string; content: Blocks }[] = [];
  for (const one of input) {
    const message = messageOf(one);
    const last = messages.at(-1);
    // What was said in one answer comes in several items.
    if (message?.role === 'assistant' && last?.role === 'assistant') last.content.push(...message.content);
    else if (message !== undefined) messages.push(message);
  }
  return messagesRequest.parse({
    ...{ model, messages, stream: stream === true },
    ...(typeof instructions === 'string' ? { system: instructions } : {}),
    max_tokens: limit ?? undefined,
    tools: (tools ?? []).flatMap(({ name, parameters }) =>
      name === undefined ? [] : [{ name, input_schema: parameters }],
    ),
  });
}

function messageOf(one: z.infer<typeof item>): { role: string; content: Blocks } | undefined {
  if ('output' in one && 'call_id' in one)
    return {
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: String(one.call_id), content: one.output }],
    };
  if ('arguments' in one && 'call_id' in one) {
    const call = { name: String(one.name), arguments: one.arguments as Record<string, unknown> };
    return { role: 'assistant', content: [toolUse(String(one.call_id), call)] };
  }
  return 'role' in one && 'content' in one
    ? { role: roleOf(String(one.role)), content: one.content as Blocks }
    : undefined;
}

const roleOf = (role: string): string => (role === 'developer' ? 'system' : role);

const toolUse = (id: string, call: { name: string; arguments: Record<string, unknown> }) => ({
  ...{ type: 'tool_use', id, name: call.name, input: call.arguments },
});
