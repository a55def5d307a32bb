/** What the server and the housekeeper say to each other: one JSON line each way, then bytes or further lines. */

export type PathType = 'file' | 'directory' | 'any';

/** As in `ScanLimits`. */
export interface SnapshotLimits {
  maxEntries: number;
  fileMaxBytes: number;
  storeMaxBytes: number;
}

export type ArchiveFormat = 'tar.gz' | 'zip';

/** `merge`: what is not in the upload stays. `replace`: the target directory holds the upload and nothing else. */
export type PlacingMode = 'merge' | 'replace';

/** What a tree from outside may be. */
export interface TreeLimits {
  /** Files, directories and links. */
  maxEntries: number;
  /** Bytes of all files. */
  maxBytes: number;
  /** Parts of a path, from the workspace's root. */
  maxDepth: number;
}

export interface ArchiveLimits extends TreeLimits {
  /** Bytes of the archive itself. */
  maxPackedBytes: number;
  /** How many times its own size an archive may unpack to. */
  maxRatio: number;
}

/** Where a tree from outside goes. */
export interface Placing {
  /** Name of the directory, at the workspace's root, in which it is made ready; the server's choice. */
  staging: string;
  /** Target directory relative to the workspace, '' for the workspace itself; made when it is not there. */
  into: string;
  mode: PlacingMode;
}

/** First line on the housekeeper's standard input. The bytes of a `write` or `unpack` follow it. */
export type Request =
  | { op: 'list'; maxEntries: number }
  | { op: 'read'; path: string }
  | { op: 'write'; path: string; maxBytes: number }
  | { op: 'remove'; path: string }
  | { op: 'missing'; paths: { path: string; type: PathType }[] }
  /** `count`: how many entries the directories hold that are left out. */
  | ({ op: 'snapshot'; copy?: string; count?: boolean } & SnapshotLimits)
  | { op: 'changes'; before: string; after: string; contentMaxBytes: number }
  | { op: 'export'; before: string; after: string }
  /** `dieAt`: for tests, the point at which it kills itself. */
  | ({ op: 'transit'; from: string; to: string; dieAt?: number } & SnapshotLimits)
  | { op: 'recover'; dieAt?: number }
  | ({ op: 'copy'; copy: string } & SnapshotLimits)
  | { op: 'drop'; copy: string }
  | { op: 'collect'; named: string[]; graceMs: number }
  | ({ op: 'unpack'; format: ArchiveFormat; limits: ArchiveLimits } & Placing)
  | {
      op: 'pack';
      path: string;
      format: ArchiveFormat;
      everything: boolean;
      maxEntries: number;
      maxBytes: number;
    }
  | ({
      op: 'clone';
      url: string;
      ref?: string;
      depth?: number;
      certificates?: string;
      limits: TreeLimits;
    } & Placing)
  | { op: 'discard'; stagings: string[] }
  /** `base`: the version that the copy here was made as; without, nothing is known of it and everything is read. */
  | { op: 'send'; name: string; base?: string; maxEntries: number; maxBytes: number }
  /**
   * The manifest follows the request, then what the answer asks for; without a manifest it is the empty workspace. Without a
   * base it begins from nothing.
   */
  | {
      op: 'receive';
      name: string;
      base?: string;
      staging: string;
      manifest?: { bytes: number; hash: string };
      maxEntries: number;
    }
  | { op: 'evict' };

/** What is added to every request: names at the workspace's root that are the server's own and shown to nobody. */
export interface Hidden {
  hidden: string[];
}

/** First line on its standard output; what follows depends on the operation. */
export type Answer =
  | ({ ok: true } & Record<string, unknown>)
  | { ok: false; code: FailureCode; message: string; details?: Record<string, unknown> };

export type FailureCode = 'E003' | 'E004' | 'E009' | 'E010' | 'E012' | 'E015';

/** A line that follows the answer to `changes` and `transit`. */
export interface ChangeLine {
  path: string;
  action: 'created' | 'modified' | 'deleted';
  size: number;
  directory?: boolean;
  /** As git writes modes: 100644, 100755, 120000 for a link; undefined for what git does not know, and where nothing is. */
  modeBefore?: string;
  modeAfter?: string;
  /** Text of each side, when there is one and it is known; a link's text is its target. */
  before?: string;
  after?: string;
  binary?: boolean;
  truncated?: boolean;
}

/** Why a way from one tree to another cannot be gone. */
export interface Conflict {
  path: string;
  /**
   * It is not as it must be; what it is to become was too large to be kept, or is a special file; it is a directory that
   * is to become something else and holds more.
   */
  reason: 'changed' | 'not-kept' | 'not-empty';
}
