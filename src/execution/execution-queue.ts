/** The queue port: it only dispatches; the database row is the truth. */
import type { Waiting } from './fair-queue.js';

export abstract class ExecutionQueue {
  /** Executions that wait for a place. */
  abstract get depth(): number;

  /** Hands over an accepted execution; it will be given to the worker when there is a place for it. */
  abstract offer(waiting: Waiting): void;

  /** Takes back an execution that still waits; false when it does not. */
  abstract withdraw(executionId: string): boolean;

  /**
   * Begins to dispatch to `run`, at most CLAUDE_CODE_MAX_CONCURRENT at once. `run` must not reject.
   */
  abstract start(run: (executionId: string) => Promise<void>): void;

  /** Dispatches nothing more; resolves when everything under way has returned. */
  abstract stop(): Promise<void>;

  /** Executions under way. */
  abstract get running(): number;
}
