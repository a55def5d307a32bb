/** What the rest of the house knows about workspaces: where one is, what is in it, what changed in it. */
import type { Readable } from 'node:stream';
import type { SandboxWorkspace } from '../sandbox/sandbox.js';

/** The files of one user and project. */
export interface Workspace extends SandboxWorkspace {
  userId: string;
  projectId: string;
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

/** A file, link or special file; directories come and go with what is in them. A renamed file is one deleted and one created. */
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

export interface ChangeSet {
  files: FileChange[];
  /** Unified diff, as git writes it, of all text files in `files` whose content is known. */
  diff: string;
  /**
   * Directories that are left out and were present, with how many entries they hold (counted up to 100 000): by rule
   * `node_modules` and `.git`, wherever they are; and those that cannot be read.
   */
  skipped: { path: string; entries: number }[];
}

/** The state of a workspace at one moment, as an opaque name to compare with later. */
export interface WorkspaceMark {
  id: string;
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

  /** Names the present state. */
  abstract mark(workspace: Workspace): Promise<WorkspaceMark>;
  /** What differs between the mark and now, found from the file system. */
  abstract changesSince(workspace: Workspace, mark: WorkspaceMark): Promise<ChangeSet>;
  /** Gives up a mark and what is kept for it alone; unknown ones are no error. */
  abstract forget(workspace: Workspace, mark: WorkspaceMark): Promise<void>;
}
