/** Writes one answer of the Messages API, as an event stream or as one JSON object. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { PromptTokens } from './prompt-cache.js';
import { firstTokens, tokensOf } from './tokens.js';

type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

export interface AnswerOptions {
  stream: boolean;
  prompt: PromptTokens;
  /** Where the text of the answer is cut, as the real service would. */
  maxTokens: number;
}

export class Answer {
  private readonly blocks: Block[] = [];
  private readonly id = `msg_${randomUUID().replaceAll('-', '')}`;
  private open = false;
  private stopReason: 'end_turn' | 'tool_use' | 'max_tokens' = 'end_turn';
  private prompt: PromptTokens;
  private outputTokens = 0;
  private reportedOutput?: number;

  constructor(
    private readonly response: ServerResponse,
    private readonly options: AnswerOptions,
  ) {
    this.prompt = options.prompt;
  }

  /** Nothing more can be said: the output tokens are used up. */
  isFull(): boolean {
    return this.stopReason === 'max_tokens';
  }

  usage({ input, output }: { input?: number; output?: number }): void {
    if (input !== undefined) this.prompt = { fresh: input, written: 0, read: 0 };
    this.reportedOutput = output ?? this.reportedOutput;
  }

  /** Sends the head of a stream, if that has not been done. */
  async begin(): Promise<void> {
    if (!this.options.stream || this.response.headersSent) return;
    this.response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': this.id });
    await this.send('message_start', { message: { ...this.head(), content: [], usage: this.usageNow(1) } });
  }

  async text(text: string, counted = true): Promise<void> {
    const piece = counted ? this.spend(text) : text;
    const last = this.blocks.at(-1);
    if (this.open && last?.type === 'text') last.text += piece;
    else await this.openBlock({ type: 'text', text: piece }, { type: 'text', text: '' });
    await this.delta({ type: 'text_delta', text: piece });
  }

  async think(text: string): Promise<void> {
    const thinking = this.spend(text);
    await this.openBlock(
      { type: 'thinking', thinking, signature: 'rehearsal' },
      { type: 'thinking', thinking: '', signature: '' },
    );
    await this.delta({ type: 'thinking_delta', thinking });
    await this.delta({ type: 'signature_delta', signature: 'rehearsal' });
  }

  async tool(name: string, input: Record<string, unknown>): Promise<void> {
    const id = `toolu_${randomUUID().replaceAll('-', '')}`;
    const json = JSON.stringify(input);
    this.outputTokens += tokensOf(json);
    await this.openBlock({ type: 'tool_use', id, name, input }, { type: 'tool_use', id, name, input: {} });
    await this.delta({ type: 'input_json_delta', partial_json: json });
    this.stopReason = 'tool_use';
  }

  async end(): Promise<void> {
    await this.begin();
    const usage = this.usageNow(
      this.reportedOutput ?? Math.min(Math.max(1, this.outputTokens), this.options.maxTokens),
    );
    const stop = { stop_reason: this.stopReason, stop_sequence: null };
    if (!this.options.stream) {
      this.response.writeHead(200, { 'content-type': 'application/json', 'request-id': this.id });
      this.response.end(JSON.stringify({ ...this.head(), ...stop, content: this.blocks, usage }));
      return;
    }
    await this.closeBlock();
    await this.send('message_delta', { delta: stop, usage });
    await this.send('message_stop', {});
    this.response.end();
  }

  /** Sends bytes as they are. Resolves when the kernel has them; rejects when the client has gone. */
  write(bytes: string): Promise<void> {
    return new Promise((resolve, reject) =>
      this.response.write(bytes, (error) => (error instanceof Error ? reject(error) : resolve())),
    );
  }

  private head() {
    return {
      id: this.id,
      type: 'message',
      role: 'assistant',
      model: 'rehearsal',
      stop_reason: null,
      stop_sequence: null,
    };
  }

  private usageNow(outputTokens: number) {
    return {
      input_tokens: this.prompt.fresh,
      output_tokens: outputTokens,
      cache_creation_input_tokens: this.prompt.written,
      cache_read_input_tokens: this.prompt.read,
    };
  }

  /** As much of the text as the output tokens allow. */
  private spend(text: string): string {
    const left = this.options.maxTokens - this.outputTokens;
    const piece = tokensOf(text) > left ? firstTokens(text, left) : text;
    this.outputTokens += tokensOf(piece);
    if (piece.length < text.length) this.stopReason = 'max_tokens';
    return piece;
  }

  private async openBlock(block: Block, start: Block): Promise<void> {
    await this.begin();
    await this.closeBlock();
    this.blocks.push(block);
    this.open = true;
    await this.send('content_block_start', { index: this.blocks.length - 1, content_block: start });
  }

  private async closeBlock(): Promise<void> {
    if (this.open) await this.send('content_block_stop', { index: this.blocks.length - 1 });
    this.open = false;
  }

  private delta(delta: Record<string, string>): Promise<void> {
    return this.send('content_block_delta', { index: this.blocks.length - 1, delta });
  }

  private async send(type: string, data: Record<string, unknown>): Promise<void> {
    if (this.options.stream)
      await this.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  }
}
