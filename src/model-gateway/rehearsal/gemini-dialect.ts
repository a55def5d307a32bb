/** The stand-in as Google's Gemini API. */
import { z } from 'zod';
import { messagesRequest, type RehearsalRequest } from './conversation.js';
import type { Dialect } from './dialect.js';
import { GeminiAnswer } from './gemini-answer.js';

const PATH = /^\/v1beta\/models\/([\w.-]+):(generateContent|streamGenerateContent|countTokens)$/;

const part = z.looseObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  functionCall: z
    .looseObject({ name: z.string(), args: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  functionResponse: z.looseObject({ name: z.string(), response: z.unknown().optional() }).optional(),
});
const content = z.looseObject({ role: z.string().optional(), parts: z.array(part).default([]) });
const generate = z.looseObject({
  contents: z.array(content).default([]),
  systemInstruction: content.optional(),
  generationConfig: z.looseObject({ maxOutputTokens: z.number().optional() }).optional(),
  tools: z
    .array(
      z.looseObject({
        functionDeclarations: z
          .array(
            z.looseObject({
              name: z.string(),
              parameters: z.unknown().optional(),
              parametersJsonSchema: z.unknown().optional(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
});

/** `error.status` by HTTP status, as Google's APIs document them. */
const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

export const geminiDialect: Dialect = {
  answers: (path) => PATH.test(path) && !path.endsWith(':countTokens'),
  counts: (path) => PATH.test(path) && path.endsWith(':countTokens'),
  read: (body, path) => readGenerate(body, path),
  answer: (response, options) => new GeminiAnswer(response, options),
  count: (totalTokens) => ({ totalTokens }),
  error: (status, message) => ({ error: { code: status, message, status: STATUS[status] ?? 'UNKNOWN' } }),
};

function readGenerate(body: unknown, path: string): RehearsalRequest {
  const { contents, systemInstruction, generationConfig, tools } = generate.parse(body);
  const ids = new CallIds();
  const schemaOf = (schema: unknown) => ({ ...((schema ?? {}) as Record<string, unknown>) });
  return messagesRequest.parse({
    model: PATH.exec(path)?.[1],
    stream: path.endsWith(':streamGenerateContent'),
    max_tokens: generationConfig?.maxOutputTokens,
    ...(systemInstruction === undefined
      ? {}
      : { system: systemInstruction.parts.map(({ text = '' }) => ({ type: 'text', text })) }),
    tools: tools.flatMap(({ functionDeclarations }) =>
      functionDeclarations.map(({ name, parameters, parametersJsonSchema }) => ({
        name,
        input_schema: schemaOf(parametersJsonSchema ?? parameters),
      })),
    ),
    messages: contents.map(({ role, parts }) => ({
      role: role === 'model' ? 'assistant' : 'user',
      content: parts.flatMap((one) => blockOf(one, ids)),
    })),
  });
}

function blockOf(
  { text, thought, functionCall, functionResponse }: z.infer<typeof part>,
  ids: CallIds,
): object[] {
  if (functionCall !== undefined) {
    const { name, args = {} } = functionCall;
    return [{ type: 'tool_use', id: ids.called(name), name, input: args }];
  }
  if (functionResponse !== undefined) {
    const { name, response } = functionResponse;
    const told = [{ type: 'text', text: JSON.stringify(response) }];
    return [{ type: 'tool_result', tool_use_id: ids.answered(name), content: told }];
  }
  return text === undefined || thought === true ? [] : [{ type: 'text', text }];
}

/** Calls have no ids of their own here: the n-th answer of a name belongs to its n-th call. */
class CallIds {
  private readonly calls = new Map<string, number>();
  private readonly answers = new Map<string, number>();

  called(name: string): string {
    return next(this.calls, name);
  }

  answered(name: string): string {
    return next(this.answers, name);
  }
}

function next(counts: Map<string, number>, name: string): string {
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return `${name}-${count}`;
}
