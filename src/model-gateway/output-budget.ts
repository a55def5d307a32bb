/** The output tokens that one route may still spend, exact also when several requests are under way. */
import { EventEmitter, once } from 'node:events';

export class OutputBudget {
  private readonly settled = new EventEmitter().setMaxListeners(0);
  private spent = 0;
  private reserved = 0;

  /** @param limit output tokens over the whole route */
  constructor(private readonly limit: number) {}

  /**
   * Sets tokens aside for one request. Waits while requests under way could still use up what this one wants:
   * their reservation is mostly far more than they will use, and a sliver now would only cut this answer short.
   * @param wanted the request's own `max_tokens`
   * @returns tokens granted, to be given back by `settle`; 0 when nothing remains
   * @throws AbortError when the signal aborts first
   */
  async reserve(wanted: number, signal: AbortSignal): Promise<number> {
    while (this.reserved > 0 && this.remaining() < wanted && this.limit > this.spent)
      await once(this.settled, 'settled', { signal });
    const granted = Math.max(0, Math.min(wanted, this.remaining()));
    this.reserved += granted;
    return granted;
  }

  /** Replaces a reservation by what was really used. */
  settle(granted: number, used: number): void {
    this.reserved -= granted;
    this.spent += used;
    this.settled.emit('settled');
  }

  private remaining(): number {
    return this.limit - this.spent - this.reserved;
  }
}
