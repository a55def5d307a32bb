/** Lets so many do something at once, and sends the next one away. */
import { ClaudeCodeError } from '../errors/claude-code.error.js';

/** Seconds: transfers end after some. */
const RETRY_AFTER = 5;

export class Slots {
  #taken = 0;

  constructor(private readonly count: number) {}

  /** @throws ClaudeCodeError E012 when all are taken */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken >= this.count)
      throw new ClaudeCodeError('E012', 'Too many uploads, downloads and clones are under way.', {
        retryAfter: RETRY_AFTER,
      });
    this.#taken += 1;
    try {
      return await work();
    } finally {
      this.#taken -= 1;
    }
  }
}
