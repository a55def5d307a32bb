/** Writes one answer of OpenAI's Responses, as an event stream or as one JSON object. */
import { randomUUID } from 'node:crypto';
import { Answer } from './answer.js';

type Item =
  | { type: 'reasoning'; id: string; summary: { type: 'summary_text'; text: string }[] }
  | {
      type: 'message';
      id: string;
      status: string;
      role: 'assistant';
      content: { type: 'output_text'; text: string; annotations: [] }[];
    }
  | { type: 'function_call'; id: string; call_id: string; name: string; arguments: string; status: string };

const idOf = (kind: string) => `${kind}_${randomUUID().replaceAll('-', '')}`;

export class ResponsesAnswer extends Answer {
  private readonly id = idOf('resp');
  private readonly created = Math.floor(Date.now() / 1000);
  private readonly output: Item[] = [];
  private sequence = 0;
  private speaking = false;

  async begin(): Promise<void> {
    if (!this.options.stream || this.response.headersSent) return;
    this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    await this.send('response.created', { response: this.now('in_progress') });
    await this.send('response.in_progress', { response: this.now('in_progress') });
  }

  async text(text: string, counted = true): Promise<void> {
    const delta = counted ? this.spend(text) : text;
    if (!this.speaking) await this.startSpeaking();
    const item = this.output.at(-1);
    if (item?.type === 'message' && item.content[0] !== undefined) item.content[0].text += delta;
    await this.send('response.output_text.delta', { ...this.place(), content_index: 0, delta });
  }

  async think(text: string): Promise<void> {
    const delta = this.spend(text);
    await this.add({ type: 'reasoning', id: idOf('rs'), summary: [] });
    const at = { ...this.place(), summary_index: 0 };
    const part = { type: 'summary_text' as const, text: delta };
    await this.send('response.reasoning_summary_part.added', { ...at, part: { ...part, text: '' } });
    await this.send('response.reasoning_summary_text.delta', { ...at, delta });
    await this.send('response.reasoning_summary_text.done', { ...at, text: delta });
    await this.send('response.reasoning_summary_part.done', { ...at, part });
    const item = this.output.at(-1);
    if (item?.type === 'reasoning') item.summary.push(part);
    await this.send('response.output_item.done', { output_index: this.output.length - 1, item });
  }

  async tool(name: string, input: Record<string, unknown>): Promise<void> {
    const text = JSON.stringify(input);
    this.spendWhole(text);
    const call = { type: 'function_call' as const, id: idOf('fc'), call_id: idOf('call'), name };
    await this.add({ ...call, arguments: '', status: 'in_progress' });
    await this.send('response.function_call_arguments.delta', { ...this.place(), delta: text });
    await this.send('response.function_call_arguments.done', { ...this.place(), arguments: text });
    const item = { ...call, arguments: text, status: 'completed' };
    this.output[this.output.length - 1] = item;
    await this.send('response.output_item.done', { output_index: this.output.length - 1, item });
  }

  async end(): Promise<void> {
    await this.begin();
    await this.stopSpeaking();
    const status = this.isCut ? 'incomplete' : 'completed';
    if (!this.options.stream) {
      this.response.writeHead(200, { 'content-type': 'application/json' });
      this.response.end(JSON.stringify(this.now(status)));
      return;
    }
    await this.send(`response.${status}`, { response: this.now(status) });
    this.response.end();
  }

  private now(status: string) {
    const { fresh, written, read } = this.prompt;
    const input_tokens = fresh + written + read;
    return {
      ...{ id: this.id, object: 'response', created_at: this.created, status, model: 'rehearsal' },
      ...{ error: null, output: this.output },
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      usage:
        status === 'in_progress'
          ? null
          : {
              input_tokens,
              input_tokens_details: { cached_tokens: read },
              output_tokens: this.outputTokens,
              output_tokens_details: { reasoning_tokens: 0 },
              total_tokens: input_tokens + this.outputTokens,
            },
    };
  }

  private place() {
    return { item_id: this.output.at(-1)?.id, output_index: this.output.length - 1 };
  }

  private async add(item: Item): Promise<void> {
    await this.begin();
    await this.stopSpeaking();
    this.output.push(item);
    await this.send('response.output_item.added', { output_index: this.output.length - 1, item });
  }

  private async startSpeaking(): Promise<void> {
    const message = { type: 'message' as const, id: idOf('msg'), role: 'assistant' as const };
    await this.add({ ...message, status: 'in_progress', content: [] });
    this.speaking = true;
    const part = { type: 'output_text' as const, text: '', annotations: [] as [] };
    await this.send('response.content_part.added', { ...this.place(), content_index: 0, part });
    this.output[this.output.length - 1] = { ...message, status: 'completed', content: [part] };
  }

  private async stopSpeaking(): Promise<void> {
    const item = this.output.at(-1);
    if (!this.speaking || item?.type !== 'message') return;
    this.speaking = false;
    const [part] = item.content;
    const at = { ...this.place(), content_index: 0 };
    await this.send('response.output_text.done', { ...at, text: part?.text });
    await this.send('response.content_part.done', { ...at, part });
    await this.send('response.output_item.done', { output_index: this.output.length - 1, item });
  }

  private async send(type: string, data: object): Promise<void> {
    if (!this.options.stream) return;
    const event = { type, sequence_number: this.sequence++, ...data };
    await this.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
}
