/** Writes one answer of Google's Gemini API, as an event stream or as one JSON object. */
import { randomUUID } from 'node:crypto';
import { Answer } from './answer.js';

type Part =
  { text: string; thought?: true } | { functionCall: { name: string; args: Record<string, unknown> } };

export class GeminiAnswer extends Answer {
  private readonly id = randomUUID();
  private readonly parts: Part[] = [];

  begin(): Promise<void> {
    if (this.options.stream && !this.response.headersSent) {
      this.response.writeHead(200, { 'content-type': 'text/event-stream' });
      this.response.flushHeaders();
    }
    return Promise.resolve();
  }

  async text(text: string, counted = true): Promise<void> {
    await this.say({ text: counted ? this.spend(text) : text });
  }

  async think(text: string): Promise<void> {
    await this.say({ text: this.spend(text), thought: true });
  }

  async tool(name: string, args: Record<string, unknown>): Promise<void> {
    this.spendWhole(JSON.stringify(args));
    await this.say({ functionCall: { name, args } });
  }

  async end(): Promise<void> {
    await this.begin();
    const finishReason = this.isCut ? 'MAX_TOKENS' : 'STOP';
    if (!this.options.stream) {
      this.response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
      this.response.end(JSON.stringify(this.piece(this.parts, finishReason)));
      return;
    }
    await this.send(this.piece([{ text: '' }], finishReason));
    this.response.end();
  }

  private async say(part: Part): Promise<void> {
    this.parts.push(part);
    if (!this.options.stream) return;
    await this.begin();
    await this.send(this.piece([part]));
  }

  private piece(parts: Part[], finishReason?: string) {
    const { fresh, written, read } = this.prompt;
    const promptTokenCount = fresh + written + read;
    return {
      candidates: [
        {
          content: { parts, role: 'model' },
          ...(finishReason === undefined ? {} : { finishReason }),
          index: 0,
        },
      ],
      usageMetadata: {
        promptTokenCount,
        candidatesTokenCount: this.outputTokens,
        totalTokenCount: promptTokenCount + this.outputTokens,
        ...(read > 0 ? { cachedContentTokenCount: read } : {}),
      },
      modelVersion: 'rehearsal',
      responseId: this.id,
    };
  }

  private send(piece: object): Promise<void> {
    return this.write(`data: ${JSON.stringify(piece)}\r\n\r\n`);
  }
}
