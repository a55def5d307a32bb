/** Who may use a workspace together: any number who share it, or one alone. */

import type { Queryable } from '../persistence/database.js';

/** Asked within a transaction: whether what this one commits may count. */
export type Guard = (db: Queryable) => Promise<boolean>;

/** Who writes to a workspace. */
export interface Writes {
  /** Names the time in which nobody has ended to write, in all processes that there ever are. */
  span: string;
  /** How many write for long. */
  writers: number;
  /** How many write for a moment. */
  changing: number;
}

const NEVER = new AbortController().signal;

export abstract class WorkspaceLease {
  /** Aborted, with an E012, when what this process holds now may be somebody else's: whatever works there has to end. */
  get lost(): AbortSignal {
    return NEVER;
  }

  /** Beside others who share it or write to it, never beside one who is alone. @throws ClaudeCodeError E012 */
  abstract shared<T>(workspaceId: string, work: () => Promise<T>): Promise<T>;
  /** A short write of the API's own: as `shared`, and others can tell. @throws ClaudeCodeError E012 */
  abstract changing<T>(workspaceId: string, work: () => Promise<T>): Promise<T>;
  /** For long: an agent that writes. Nobody waits for it. @throws ClaudeCodeError E012 */
  abstract writing<T>(workspaceId: string, work: () => Promise<T>): Promise<T>;
  /**
   * Alone with those who write for long: after all who share it, and before all who come later. `holds` says whether that
   * is still so, to the end of the transaction.
   * @throws ClaudeCodeError E012
   */
  abstract exclusive<T>(workspaceId: string, work: (holds: Guard) => Promise<T>): Promise<T>;
  abstract writes(workspaceId: string): Promise<Writes>;
}
