/** The default queue: in this process. What waited when the process died is offered again at start. */
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { DispatchOrder } from './dispatch-order.js';
import { ExecutionQueue } from './execution-queue.js';
import type { Priority, Waiting } from './waiting.js';

@Injectable()
export class InProcessQueue extends ExecutionQueue {
  private readonly order: DispatchOrder;
  private readonly underWay = new Set<Promise<void>>();
  private run: ((executionId: string) => Promise<void>) | undefined;

  constructor(private readonly config: Config) {
    super();
    this.order = new DispatchOrder(config.values.USER_MAX_CONCURRENT);
  }

  readonly reachable = true;

  get waiting(): Readonly<Record<Priority, number>> {
    return this.order.waiting;
  }

  get running(): number {
    return this.underWay.size;
  }

  offer(waiting: Waiting): void {
    this.order.push(waiting);
    this.dispatch();
  }

  withdraw(executionId: string): boolean {
    const waited = this.order.remove(executionId);
    this.dispatch(); // one behind it may run now
    return waited;
  }

  hasWriter(workspace: Pick<Waiting, 'userId' | 'projectId'>): boolean {
    return this.order.hasWriter(workspace);
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
      const next = this.order.next();
      if (next === undefined) return;
      const done = this.run(next.executionId).finally(() => {
        this.underWay.delete(done);
        this.order.leave(next);
        this.dispatch();
      });
      this.underWay.add(done);
    }
  }
}
