/** What the server and the housekeeper say to each other: one JSON line each way, then bytes or further lines. */

export type PathType = 'file' | 'directory' | 'any';

/** First line on the housekeeper's standard input. The bytes of a `write` follow it. */
export type Request =
  | { op: 'list'; maxEntries: number }
  | { op: 'read'; path: string }
  | { op: 'write'; path: string; maxBytes: number }
  | { op: 'remove'; path: string }
  | { op: 'missing'; paths: { path: string; type: PathType }[] }
  | { op: 'mark'; mark: string; maxEntries: number; contentMaxBytes: number }
  | { op: 'changes'; mark: string; maxEntries: number; contentMaxBytes: number }
  | { op: 'forget'; mark: string };

/** First line on its standard output; what follows depends on the operation. */
export type Answer =
  ({ ok: true } & Record<string, unknown>) | { ok: false; code: FailureCode; message: string };

export type FailureCode = 'E003' | 'E004' | 'E009' | 'E012' | 'E015';

/** A line that follows the answer to `changes`. */
export interface ChangeLine {
  path: string;
  action: 'created' | 'modified' | 'deleted';
  size: number;
  /** As git writes modes: 100644, 100755, 120000 for a link; undefined for what git does not know, and where nothing is. */
  modeBefore?: string;
  modeAfter?: string;
  /** Text of each side, when there is one and it is known; a link's text is its target. */
  before?: string;
  after?: string;
  binary?: boolean;
  truncated?: boolean;
}
