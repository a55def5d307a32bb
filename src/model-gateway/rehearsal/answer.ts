/** One answer of the stand-in, whatever wire format it is written in: what has been said of it, and how much it may say. */
import type { ServerResponse } from 'node:http';
import type { PromptTokens } from './prompt-cache.js';
import { firstTokens, tokensOf } from './tokens.js';

export interface AnswerOptions {
  stream: boolean;
  prompt: PromptTokens;
  /** Where the text of the answer is cut, as the real service would. */
  maxTokens: number;
}

export abstract class Answer {
  protected isCut = false;
  protected prompt: PromptTokens;
  private spoken = 0;
  private reported?: number;

  constructor(
    protected readonly response: ServerResponse,
    protected readonly options: AnswerOptions,
  ) {
    this.prompt = options.prompt;
  }

  /** Nothing more can be said: the output tokens are used up. */
  isFull(): boolean {
    return this.isCut;
  }

  usage({ input, output }: { input?: number; output?: number }): void {
    if (input !== undefined) this.prompt = { fresh: input, written: 0, read: 0 };
    this.reported = output ?? this.reported;
  }

  /** Sends bytes as they are. Resolves when the kernel has them; rejects when the client has gone. */
  write(bytes: string): Promise<void> {
    return new Promise((resolve, reject) =>
      this.response.write(bytes, (error) => (error instanceof Error ? reject(error) : resolve())),
    );
  }

  /** Sends the head of a stream, if that has not been done. */
  abstract begin(): Promise<void>;
  /** @param counted false: not taken from the output tokens */
  abstract text(text: string, counted?: boolean): Promise<void>;
  abstract think(text: string): Promise<void>;
  abstract tool(name: string, input: Record<string, unknown>): Promise<void>;
  abstract end(): Promise<void>;

  /** Output tokens as the answer tells them. */
  protected get outputTokens(): number {
    return this.reported ?? Math.min(Math.max(1, this.spoken), this.options.maxTokens);
  }

  /** As much of the text as the output tokens allow. */
  protected spend(text: string): string {
    const left = this.options.maxTokens - this.spoken;
    const piece = tokensOf(text) > left ? firstTokens(text, left) : text;
    this.spoken += tokensOf(piece);
    if (piece.length < text.length) this.isCut = true;
    return piece;
  }

  /** What is said whole, however much is left. */
  protected spendWhole(text: string): void {
    this.spoken += tokensOf(text);
  }
}
