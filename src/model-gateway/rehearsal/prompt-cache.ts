/** Plays the service's prompt cache: what one request marks (`cache_control`) is read by the next that begins alike. */
import { createHash } from 'node:crypto';
import type { RehearsalRequest } from './conversation.js';
import { tokensIn } from './tokens.js';

/** Milliseconds that an entry lives after its last use, and tokens below which none is made: as the service documents them. */
const LIVES = 300_000;
const SMALLEST = 1024;
const REMEMBERED = 1000;

export interface PromptTokens {
  /** Neither read from the cache nor written to it. */
  fresh: number;
  written: number;
  read: number;
}

export class PromptCache {
  /** When each beginning of a request ceases to be kept, by its hash. */
  private readonly until = new Map<string, number>();

  /** @param inputTokens of the whole request */
  account(request: RehearsalRequest, inputTokens: number, now = performance.now()): PromptTokens {
    const hash = createHash('sha256').update(request.model);
    let chars = 0;
    let read = 0;
    let marked = 0;
    const kept: string[] = [];
    for (const { cache_control: mark, ...block } of blocksOf(request)) {
      const text = JSON.stringify(block);
      hash.update(text);
      chars += text.length;
      const name = hash.copy().digest('base64');
      const tokens = Math.min(inputTokens, tokensIn(chars));
      if ((this.until.get(name) ?? 0) > now) {
        read = tokens;
        kept.push(name);
      }
      if (mark === undefined || mark === null || tokens < SMALLEST) continue;
      marked = tokens;
      kept.push(name);
    }
    for (const name of kept) this.keep(name, now);
    const whole = Math.max(marked, read);
    return { fresh: inputTokens - whole, written: whole - read, read };
  }

  private keep(name: string, now: number): void {
    this.until.delete(name);
    this.until.set(name, now + LIVES);
    const oldest = this.until.keys().next().value;
    if (this.until.size > REMEMBERED && oldest !== undefined) this.until.delete(oldest);
  }
}

/** In the order in which the service has them: tools, system prompt, messages. */
function* blocksOf({ tools, system = [], messages }: RehearsalRequest): Generator<Record<string, unknown>> {
  yield* tools;
  yield* system;
  for (const { role, content } of messages) for (const block of content) yield { role, ...block };
}
