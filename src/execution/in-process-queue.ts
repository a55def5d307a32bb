/** The default queue: in this process, fair between users. What waited when the process died is offered again at start. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { ExecutionQueue } from './execution-queue.js';
import { FairQueue, type Waiting } from './fair-queue.js';

@Injectable()
export class InProcessQueue extends ExecutionQueue {
  private readonly waiting = new FairQueue();
  private readonly underWay = new Set<Promise<void>>();
  private run: ((executionId: string) => Promise<void>) | undefined;

  constructor(private readonly config: Config) {
    super();
  }

  get depth(): number {
    return this.waiting.size;
  }

  get running(): number {
    return this.underWay.size;
  }

  offer(waiting: Waiting): void {
    this.waiting.push(waiting);
    this.dispatch();
  }

  withdraw(executionId: string): boolean {
    return this.waiting.remove(executionId);
  }

  start(run: (executionId: string) => Promise<void>): void {
    this.run = run;
    this.dispatch();
  }

  async stop(): Promise<void> {
    this.run = undefined;
    await Promise.all(this.underWay);
  }

  private dispatch(): void {
    while (this.run !== undefined && this.underWay.size < this.config.values.CLAUDE_CODE_MAX_CONCURRENT) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      const done = this.run(next.executionId).finally(() => {
        this.underWay.delete(done);
        this.dispatch();
      });
      this.underWay.add(done);
    }
  }
}
