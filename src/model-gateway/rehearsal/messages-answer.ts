/** Writes one answer of the Messages API, as an event stream or as one JSON object. */
import { randomUUID } from 'node:crypto';
import { Answer } from './answer.js';

type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

export class MessagesAnswer extends Answer {
  private readonly blocks: Block[] = [];
  private readonly id = `msg_${randomUUID().replaceAll('-', '')}`;
  private open = false;
  private calls = false;

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
    this.spendWhole(json);
    await this.openBlock({ type: 'tool_use', id, name, input }, { type: 'tool_use', id, name, input: {} });
    await this.delta({ type: 'input_json_delta', partial_json: json });
    this.calls = true;
  }

  async end(): Promise<void> {
    await this.begin();
    const usage = this.usageNow(this.outputTokens);
    const reason = this.isCut ? 'max_tokens' : this.calls ? 'tool_use' : 'end_turn';
    const stop = { stop_reason: reason, stop_sequence: null };
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
