/** What the rest of the house knows about workspaces: where one is, what is in it, what changed in it. */
import type { Readable } from 'node:stream';
import type { SandboxWorkspace } from '../sandbox/sandbox.js';
import type { Guard } from './workspace-lease.js';

/** The files of one user and project. */
export interface Workspace extends SandboxWorkspace {
  userId: string;
  projectId: string;
  /** Of a copy: its name. Its path is its own, its id and its kept states are those of the workspace. */
  copy?: string;
}

export interface FileEntry {
  /**
   * Relative to the workspace, `/` between the parts. A name that is not UTF-8, or that begins with a double quote, is
   * written as git quotes it: in double quotes, bytes beyond ASCII as `\ooo`.
   */
  path: string;
  /** Bytes. */
  size: number;
  /** Epoch milliseconds. */
  modifiedAt: number;
  type: 'file' | 'directory' | 'symlink' | 'other';
}

/** A file, link or special file; directories are told apart. A renamed file is one deleted and one created. */
export interface FileChange {
  /** As in `FileEntry`. */
  path: string;
  action: 'created' | 'modified' | 'deleted';
  /** Text after the change ('' when deleted); absent for binary files and above `CHANGE_CONTENT_MAX_BYTES`. */
  content?: string;
  /** Bytes after the change; 0 when deleted. */
  size: number;
  binary?: boolean;
  /** True when the content was left out because of its size. */
  truncated?: boolean;
}

/** A directory that came, went, or has another mode. */
export type DirectoryChange = Pick<FileChange, 'path' | 'action'>;

export interface ChangeSet {
  files: FileChange[];
  /** Absent when there are none. */
  directories?: DirectoryChange[];
  /** Unified diff, as git writes it, of all text files in `files` whose content is known. */
  diff: string;
  /**
   * Directories that are left out and were present, with how many entries they hold (counted up to 100 000): by rule
   * `node_modules` and `.git`, wherever they are; and those that cannot be read.
   */
  skipped: { path: string; entries: number }[];
}

/** Of whoever changed nothing. */
export const noChanges = (skipped: ChangeSet['skipped'] = []): ChangeSet => ({
  files: [],
  diff: '',
  skipped,
});

/** The content of a workspace at one moment. */
export interface Snapshot {
  /** Name of the content: SHA-256 over all names, types, modes and contents, in hex. */
  tree: string;
  files: number;
  /** Bytes of all files. */
  bytes: number;
  /** As in `ChangeSet`. */
  skipped: ChangeSet['skipped'];
}

/** What a workspace holds while nobody writes to it. */
export interface Content {
  workspaceId: string;
  /**
   * Equal only for what looks the same to an agent. Where a snapshot leaves something out (`skipped`), nobody knows what
   * is in there: then the name holds for this workspace until the next write through this server, or its next start.
   */
  name: string;
  snapshot: Snapshot;
}

/** What brought a workspace from one content to another. */
export interface Transition {
  /** Without content. */
  files: FileChange[];
  directories?: DirectoryChange[];
  /** Directories that should have gone and stay, because they hold what is left out of snapshots, or what came since. */
  stayed: string[];
}

export abstract class Workspaces {
  /** The workspace of this user and project; made on demand. */
  abstract open(userId: string, projectId: string): Promise<Workspace>;
  /** The workspace if it exists; reading never makes one. */
  abstract find(userId: string, projectId: string): Promise<Workspace | undefined>;

  /** A workspace that nobody has owned, to be started in ahead; undefined when there can be no more. */
  abstract reserve(): Promise<SandboxWorkspace | undefined>;
  /** From now on the next new project may be given this one; `taken` is called when it was. */
  abstract offer(reserved: SandboxWorkspace, taken: () => void): void;
  /** Takes the offer back and gives the workspace up; false when somebody has it already, or is being given it. */
  abstract withdraw(reserved: SandboxWorkspace): boolean;

  /** All entries below the workspace's root in path order. @throws E012 */
  abstract list(workspace: Workspace): Promise<FileEntry[]>;
  /** Size and bytes of a regular file. @throws E009 unknown, E004 outside or unreadable (also through symlinks) */
  abstract read(workspace: Workspace, path: string): Promise<{ size: number; content: Readable }>;
  /** Writes a file whole or not at all, making directories. @throws E004, E015 above the size limit */
  abstract write(
    workspace: Workspace,
    path: string,
    content: Readable,
  ): Promise<{ created: boolean; size: number }>;
  /** @throws E009 unknown, E004 */
  abstract remove(workspace: Workspace, path: string): Promise<void>;
  /** Checks that every path exists inside the workspace. @throws E004 naming those that do not, in `details.paths` */
  abstract mustExist(
    workspace: Workspace,
    paths: { path: string; type: 'file' | 'directory' | 'any' }[],
  ): Promise<void>;

  /**
   * Keeps the present content and names it. Not read again while nothing was written through this port.
   * @param options.count tell how many entries the directories hold that are left out
   * @throws ClaudeCodeError E015 when there is too much
   */
  abstract snapshot(workspace: Workspace, options?: { count?: boolean }): Promise<Snapshot>;
  /** What it holds, if that is known without looking. Makes nothing, starts nothing. */
  abstract known(userId: string, projectId: string): Promise<Content | undefined>;
  /** What it holds, looking where it must; undefined while somebody writes. @throws as `snapshot` */
  abstract content(workspace: Workspace): Promise<Content | undefined>;
  /**
   * From now on watches who writes.
   * @param own how many of those who hold the workspace with `writing` are the caller itself
   * @returns whether anybody else has written, or may be writing now
   */
  abstract watch(workspace: Workspace, own: 0 | 1): Promise<() => Promise<boolean>>;
  /** What differs between two kept contents. @throws ClaudeCodeError E009 when one is not kept any more */
  abstract changes(workspace: Workspace, before: Snapshot, after: Snapshot): Promise<ChangeSet>;
  /** The created and modified files of the difference, as a tar archive. @throws ClaudeCodeError E009 */
  abstract archive(workspace: Workspace, before: string, after: string): Promise<Readable>;
  /**
   * Takes the workspace the way between two kept contents: every name that differs between them must now be as `from`
   * says, and is as `to` says then. All or nothing, also when the server dies in the middle.
   * @throws ClaudeCodeError E010 with `details.conflicts`, or when an execution is writing; E009 when one is not kept
   */
  abstract transit(workspace: Workspace, way: { from: string; to: string }): Promise<Transition>;
  /** A copy of the workspace to work on; `discard` it. @throws ClaudeCodeError E015 */
  abstract copy(workspace: Workspace): Promise<Workspace>;
  abstract discard(copy: Workspace): Promise<void>;
  /** Works in a copy; only what is kept of its states stays. @param guard as of `writing` @throws ClaudeCodeError E012, E015 */
  abstract trying<T>(workspace: Workspace, work: (copy: Workspace) => Promise<T>, guard?: Guard): Promise<T>;
  /** Holds the workspace for somebody who reads it for long: its files are here then. @throws ClaudeCodeError E012 */
  abstract reading<T>(workspace: Workspace, work: () => Promise<T>): Promise<T>;
  /**
   * Holds the workspace for somebody who writes to it: nothing is applied, reverted or restored meanwhile. What was written
   * has been stored when this resolves.
   * @param guard whether whoever writes has not been fenced off meanwhile, asked in the transaction that makes it count
   * @throws ClaudeCodeError E012 when it cannot be stored: nothing has changed then
   */
  abstract writing<T>(workspace: Workspace, work: () => Promise<T>, guard?: Guard): Promise<T>;
  /** Removes every kept content of a workspace that is not among `named`, is not the latest and is older than a day. */
  abstract collect(workspaceId: string, named: () => Promise<string[]>): Promise<void>;
}
