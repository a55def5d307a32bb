/** What becomes of an execution whose process is lost: once more when it only read; a half-done edit is never repeated. */
import { Injectable } from '@nestjs/common';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { Database } from '../persistence/database.js';
import { mayRepeat } from './claims.js';
import type { Execution } from './execution.js';
import { ExecutionEnder, nothingDone } from './execution-ender.js';
import { ExecutionQueue } from './execution-queue.js';
import { ExecutionStore } from './execution-store.js';
import { HELD, waitingOf } from './waiting.js';

@Injectable()
export class Recovery {
  constructor(
    private readonly store: ExecutionStore,
    private readonly ender: ExecutionEnder,
    private readonly queue: ExecutionQueue,
    private readonly database: Database,
  ) {}

  /** Lets one wait, again or still, or ends it. Does nothing when somebody else has done either. */
  async takeUp(execution: Execution): Promise<void> {
    if (execution.priority === HELD) return; // nobody ran it, and it is not its turn
    if (execution.status !== 'queued' && !(await this.handBack(execution))) {
      const lost = new ClaudeCodeError('E014', 'The process that ran it died.', {
        details: { retryable: execution.access === 'read-only' },
      });
      await this.ender.end(execution, nothingDone(lost));
      return;
    }
    this.queue.offer(waitingOf(execution));
  }

  /** Lets an attempt that has begun wait for the next one; false when it must not be repeated. */
  private async handBack(execution: Execution): Promise<boolean> {
    if (!mayRepeat(execution)) return false;
    await this.store.advance(this.database, execution, 'queued');
    return true;
  }
}
