/** The queue port: it only dispatches; the database row is the truth. */
import type { Priority, Waiting } from './waiting.js';

/**
 * What every adapter keeps:
 * - One that writes has its workspace to itself while it runs; those that only read run beside each other.
 * - In one workspace and priority, first come, first served. One that cannot run takes no place and holds up nobody who can.
 * - No more of one user run at once than USER_MAX_CONCURRENT says; what waits for that holds up nobody.
 * - Those of a batch start only when no interactive one could; within a priority users take turns.
 *
 * Over several workers (`shared/`) the row's claim holds the order, where all of them see it, and the attempt number fences
 * whoever comes late.
 *
 * It waits for nothing but its own executions. Whatever else locks a workspace (files put, a state restored) locks for
 * its own short time, inside a run or without one, and never waits for the queue: so the two cannot wait for each other.
 */
export abstract class ExecutionQueue {
  /** Executions that wait to be run. */
  abstract get waiting(): Readonly<Record<Priority, number>>;

  /** False while it cannot be reached: nothing more is accepted then. */
  abstract get reachable(): boolean;

  /** Hands over an accepted execution; it will be given to the worker when it is its turn. */
  abstract offer(waiting: Waiting): void;

  /** Takes back an execution that still waits; false when it does not. */
  abstract withdraw(executionId: string): boolean;

  /** Whether one that writes waits for this workspace, or is in it: what it will hold is not known then. */
  abstract hasWriter(workspace: Pick<Waiting, 'userId' | 'projectId'>): boolean | Promise<boolean>;

  /**
   * Begins to dispatch to `run`, at most CLAUDE_CODE_MAX_CONCURRENT at once. `run` must not reject.
   */
  abstract start(run: (executionId: string) => Promise<void>): void;

  /** Dispatches nothing more; resolves when everything under way has returned. */
  abstract stop(): Promise<void>;

  /** Executions under way. */
  abstract get running(): number;
}
