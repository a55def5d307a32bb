/** What was said between user, model and tools: sent whole with each request, kept small, and kept for `options.continue`. */
import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { Redactor } from '../../redaction/redactor.js';

const result = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.string(),
  is_error: z.boolean(),
});
const text = z.object({ type: z.literal('text'), text: z.string() });
const said = z.discriminatedUnion('type', [
  text,
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
]);
const turn = z.discriminatedUnion('role', [
  z.object({ role: z.literal('user'), content: z.array(z.discriminatedUnion('type', [text, result])) }),
  z.object({ role: z.literal('assistant'), content: z.array(said) }),
]);
type Turn = z.infer<typeof turn>;
/** A block as the model gave it, to be sent back as it is. */
export type Said = z.infer<typeof said>;
export type ToolResult = z.infer<typeof result>;

/** How a kept conversation begins: who reads it knows whose it is. */
const HEAD = '{"engine":"messages","format":1}\n';
const kept = z.array(turn);

/** Turns at the end whose tool results stay whole when the rest has to become smaller. */
const FRESH_TURNS = 6;
const LEFT_OUT = '(left out, since the conversation became long: read it again if it is needed)';
/** Characters below which a result is not worth leaving out. */
const SMALL = 200;

const EPHEMERAL = { type: 'ephemeral' } as const;

export const isMessagesConversation = (conversation: Buffer): boolean =>
  conversation.subarray(0, HEAD.length).toString('latin1') === HEAD;

export class Dialogue {
  private readonly turns: Turn[];

  /** @param earlier as `content` gave it. @throws ClaudeCodeError E010 when it is another engine's */
  constructor(earlier?: Buffer) {
    this.turns = earlier === undefined ? [] : read(earlier);
  }

  get isNew(): boolean {
    return this.turns.length === 0;
  }

  /** What the user's side says: texts, or the results of tools. */
  hear(...content: (z.infer<typeof text> | ToolResult)[]): void {
    const last = this.turns.at(-1);
    // Two in a row would be one for the API as well.
    if (last?.role === 'user') last.content.push(...content);
    else this.turns.push({ role: 'user', content });
  }

  /** What the model said; nothing, when it said nothing. */
  say(content: readonly Said[]): void {
    if (content.length > 0) this.turns.push({ role: 'assistant', content: [...content] });
  }

  /**
   * For the next request. What is the same the next time is marked to be kept in the prompt cache: the context, and
   * everything up to here.
   */
  params(): Anthropic.MessageParam[] {
    const last = this.turns.length - 1;
    return this.turns.map(({ role, content }, index) => {
      const blocks = content.map((block): Anthropic.ContentBlockParam => ({ ...block }));
      if (index === 0) mark(blocks[0]);
      if (index === last) mark(blocks.at(-1));
      return { role, content: blocks };
    });
  }

  /** Leaves out what tools said long ago. @returns whether there was anything to be left out */
  shrink(): boolean {
    let shrunk = false;
    for (const { content } of this.turns.slice(0, -FRESH_TURNS))
      for (const block of content)
        if (block.type === 'tool_result' && block.content.length > SMALL) {
          block.content = LEFT_OUT;
          shrunk = true;
        }
    return shrunk;
  }

  /** Names of the tools that were called, with their inputs; the latest last. */
  calls(): { name: string; input: Record<string, unknown>; isError: boolean }[] {
    const blocks = this.turns.flatMap(({ content }): readonly (Said | ToolResult)[] => content);
    const failed = new Set(
      blocks.flatMap((block) => (block.type === 'tool_result' && block.is_error ? [block.tool_use_id] : [])),
    );
    return blocks.flatMap((block) =>
      block.type === 'tool_use'
        ? [{ name: block.name, input: block.input, isError: failed.has(block.id) }]
        : [],
    );
  }

  /** To go on from, without secrets; undefined when it is larger than may be kept. */
  content(maxBytes: number, redactor: Redactor): Buffer | undefined {
    const bytes = Buffer.from(`${HEAD}${JSON.stringify(redactor.value(this.turns))}\n`);
    return bytes.length > maxBytes ? undefined : bytes;
  }
}

function mark(block: Anthropic.ContentBlockParam | undefined): void {
  if (block?.type === 'text' || block?.type === 'tool_result') block.cache_control = EPHEMERAL;
}

function read(conversation: Buffer): Turn[] {
  if (!isMessagesConversation(conversation))
    throw new ClaudeCodeError(
      'E010',
      'The execution cannot be continued: its conversation is another engine’s.',
      {
        details: { field: 'options.engine' },
      },
    );
  return kept.parse(JSON.parse(conversation.subarray(HEAD.length).toString('utf8')));
}
