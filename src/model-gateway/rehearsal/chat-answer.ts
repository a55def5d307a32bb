/** Writes one answer of OpenAI's Chat Completions, as an event stream or as one JSON object. */
import { randomUUID } from 'node:crypto';
import { Answer } from './answer.js';

interface Call {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export class ChatAnswer extends Answer {
  private readonly id = `chatcmpl-${randomUUID().replaceAll('-', '')}`;
  private readonly created = Math.floor(Date.now() / 1000);
  private readonly calls: Call[] = [];
  private said = '';
  private thought = '';

  async begin(): Promise<void> {
    if (!this.options.stream || this.response.headersSent) return;
    this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    await this.delta({ role: 'assistant', content: '' });
  }

  async text(text: string, counted = true): Promise<void> {
    const content = counted ? this.spend(text) : text;
    this.said += content;
    await this.begin();
    await this.delta({ content });
  }

  async think(text: string): Promise<void> {
    const thought = this.spend(text);
    this.thought += thought;
    await this.begin();
    await this.delta({ reasoning_content: thought });
  }

  async tool(name: string, input: Record<string, unknown>): Promise<void> {
    const index = this.calls.length;
    const call: Call = {
      id: `call_${randomUUID().replaceAll('-', '')}`,
      type: 'function',
      function: { name, arguments: JSON.stringify(input) },
    };
    this.spendWhole(call.function.arguments);
    this.calls.push(call);
    await this.begin();
    await this.delta({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] });
    await this.delta({ tool_calls: [{ index, function: { arguments: call.function.arguments } }] });
  }

  async end(): Promise<void> {
    await this.begin();
    const finish_reason = this.isCut ? 'length' : this.calls.length > 0 ? 'tool_calls' : 'stop';
    if (!this.options.stream) {
      const message = {
        role: 'assistant',
        content: this.said,
        ...(this.thought === '' ? {} : { reasoning_content: this.thought }),
        ...(this.calls.length === 0 ? {} : { tool_calls: this.calls }),
      };
      this.response.writeHead(200, { 'content-type': 'application/json' });
      this.response.end(
        JSON.stringify({
          ...this.head('chat.completion'),
          choices: [{ index: 0, message, finish_reason }],
          usage: this.usageNow(),
        }),
      );
      return;
    }
    await this.chunk({ choices: [{ index: 0, delta: {}, finish_reason }] });
    await this.chunk({ choices: [], usage: this.usageNow() });
    this.response.end('data: [DONE]\n\n');
  }

  private head(object: string) {
    return { id: this.id, object, created: this.created, model: 'rehearsal' };
  }

  private usageNow() {
    const { fresh, written, read } = this.prompt;
    const prompt_tokens = fresh + written + read;
    return {
      prompt_tokens,
      completion_tokens: this.outputTokens,
      total_tokens: prompt_tokens + this.outputTokens,
      prompt_tokens_details: { cached_tokens: read },
    };
  }

  private delta(delta: object): Promise<void> {
    return this.chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
  }

  private async chunk(fields: object): Promise<void> {
    if (this.options.stream)
      await this.write(`data: ${JSON.stringify({ ...this.head('chat.completion.chunk'), ...fields })}\n\n`);
  }
}
