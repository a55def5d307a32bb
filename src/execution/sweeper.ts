/** Removes what is old now and then: one timer, and one idea of the time, which a jump of the clock does not fool. */
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SweepClock } from './sweep-clock.js';

export const DAY_MS = 24 * 60 * 60 * 1000;

export abstract class Sweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(this.constructor.name);
  private readonly clock = new SweepClock();
  private timer: NodeJS.Timeout | undefined;
  /** True when the server stops: what is not removed yet waits for its next start. */
  protected stopping = false;

  /** @param everyMs milliseconds between two sweeps */
  constructor(private readonly everyMs: number) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), this.everyMs).unref();
  }

  onModuleDestroy(): void {
    this.stopping = true;
    clearInterval(this.timer);
  }

  /** Never rejects: the next one tries again. */
  async sweep(now = this.clock.now()): Promise<void> {
    try {
      await this.remove(now);
    } catch (error) {
      this.logger.error({ msg: 'the sweep stopped; the next one goes on', err: error });
    }
  }

  /** In small steps that never hold the database long. @param now epoch milliseconds */
  protected abstract remove(now: number): Promise<void>;
}
