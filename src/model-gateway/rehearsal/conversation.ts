/** What the stand-in understands of a request: who asks for what, with which tools, and how far the conversation is. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseScript } from './script.js';

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
  is_error: z.boolean().optional(),
});
type Block = z.infer<typeof block>;
const content = z.union([z.string().transform((text): Block[] => [{ type: 'text', text }]), z.array(block)]);
export const messagesRequest = z.looseObject({
  model: z.string(),
  max_tokens: z.number().int().positive().optional(),
  stream: z.boolean().optional(),
  system: content.optional(),
  messages: z.array(z.looseObject({ role: z.string(), content })).min(1),
  tools: z
    .array(z.looseObject({ name: z.string(), input_schema: z.record(z.string(), z.unknown()).optional() }))
    .default([]),
  metadata: z.looseObject({ user_id: z.string().optional() }).optional(),
});
export type RehearsalRequest = z.infer<typeof messagesRequest>;

/** A tool call of the conversation with what came of it. */
export interface ToolCall {
  name: string;
  input: Record<string, unknown>;
  output: string;
  isError: boolean;
}

export class Conversation {
  /** What the user asked last, without what the CLI puts around it. */
  readonly prompt: string;
  /** Answers given to it so far. */
  readonly turn: number;
  /** The tool calls of those answers. */
  readonly calls: readonly ToolCall[];
  readonly systemTexts: readonly string[];

  constructor(readonly request: RehearsalRequest) {
    const { messages, system = [] } = request;
    this.systemTexts = [
      ...system,
      ...messages.filter(({ role }) => role === 'system').flatMap((message) => message.content),
      ...messages.filter(({ role }) => role === 'user').flatMap((message) => contextsIn(message.content)),
    ].map(textOf);
    const texts = messages.map(({ role, content: said }) => (role === 'user' ? userText(said) : ''));
    // The CLI has words of its own for whoever forgets the answer's form: they are no script, and end none.
    const scripted = texts.findLastIndex((text) => parseScript(text) !== undefined);
    const asked = scripted === -1 ? texts.findLastIndex((text) => text !== '') : scripted;
    this.prompt = texts[asked] ?? '';
    const since = messages.slice(asked + 1);
    this.turn = since.filter(({ role }) => role === 'assistant').length;
    this.calls = toolCalls(since.flatMap((message) => message.content));
  }

  /** The same for every request of one conversation. */
  get id(): string {
    return createHash('sha256')
      .update(`${this.request.metadata?.user_id ?? ''}\n${this.prompt}`)
      .digest('hex');
  }

  /** The last thing the user's side said that is not a tool's result. */
  get lastUserText(): string {
    const users = this.request.messages.filter(({ role }) => role === 'user');
    return users.map((message) => userText(message.content)).findLast((text) => text !== '') ?? '';
  }

  /** As Caisson's system prompt names it in a line `Caisson command: <name>`. */
  get command(): string | undefined {
    return this.systemLine(/^Caisson command: (\w+)$/m);
  }

  /** Absolute, as Caisson's or else the CLI's own system prompt names it. */
  get workingDirectory(): string {
    return (
      this.systemLine(/^Working directory: (.+)$/m) ??
      this.systemLine(/Primary working directory: (.+)$/m) ??
      '/workspace'
    );
  }

  /** The schema of the answer, where it is asked for in words instead of by a tool. */
  get answerSchema(): Record<string, unknown> | undefined {
    const written = this.systemLine(/Its JSON schema:\n(.+)/);
    return written === undefined ? undefined : (JSON.parse(written) as Record<string, unknown>);
  }

  /** The input schema of an offered tool; undefined when it is not offered. */
  tool(name: string): Record<string, unknown> | undefined {
    const tool = this.request.tools.find((offered) => offered.name === name);
    return tool === undefined ? undefined : (tool.input_schema ?? {});
  }

  private systemLine(pattern: RegExp): string | undefined {
    for (const text of this.systemTexts) {
      const found = pattern.exec(text)?.[1];
      if (found !== undefined) return found.trim();
    }
    return undefined;
  }
}

function textOf(value: { text?: string }): string {
  return value.text ?? '';
}

/** What our own engines say of a task and its workspace, where there is no system prompt for it. */
const CONTEXT = /<context>\n[\s\S]*?\n<\/context>/g;
/** What the CLI adds. */
const REMINDER = /<system-reminder>[\s\S]*?<\/system-reminder>/g;

const contextsIn = (blocks: readonly { type: string; text?: string }[]) =>
  blocks.flatMap((one) => [...textOf(one).matchAll(CONTEXT)].map(([text]) => ({ text })));

/** The text blocks as the user wrote them. */
function userText(blocks: readonly { type: string; text?: string }[]): string {
  return blocks
    .filter((one) => one.type === 'text')
    .map((one) => textOf(one).replaceAll(REMINDER, '').replaceAll(CONTEXT, '').trim())
    .filter((text) => text !== '')
    .join('\n');
}

function toolCalls(blocks: readonly Block[]): ToolCall[] {
  const results = new Map(
    blocks.filter(({ type }) => type === 'tool_result').map((result) => [result.tool_use_id, result]),
  );
  return blocks.flatMap(({ type, id, name = '', input = {} }) => {
    const result = results.get(id);
    if (type !== 'tool_use' || result === undefined) return [];
    return [{ name, input, output: resultText(result.content), isError: result.is_error === true }];
  });
}

function resultText(value: unknown): string {
  const parsed = content.safeParse(value);
  return parsed.success ? parsed.data.map(textOf).join('\n') : '';
}
