/** The port by which a workspace's files are brought here, and what was changed in them is brought back. */
import type { SandboxWorkspace } from '../sandbox/sandbox.js';
import type { Guard } from './workspace-lease.js';

export abstract class WorkspaceStorage {
  /** A directory was made for a workspace, and is empty. */
  abstract made(workspaceId: string): Promise<void>;
  /** The directory of a workspace that nobody ever had was removed. */
  abstract gone(workspaceId: string): Promise<void>;
  /** With the files as they were last stored, or as somebody here is just changing them. @throws ClaudeCodeError E012 */
  abstract reading<T>(workspace: SandboxWorkspace, work: () => Promise<T>): Promise<T>;
  /**
   * A change of the API's own: stored when this resolves, as all of them are; also what work has changed that fails.
   * @throws ClaudeCodeError E010 while somebody writes for long; E012
   */
  abstract changing<T>(workspace: SandboxWorkspace, work: () => Promise<T>): Promise<T>;
  /** For long: an agent that writes. It waits for others. @param guard whether its attempt may still store anything */
  abstract writing<T>(workspace: SandboxWorkspace, work: () => Promise<T>, guard?: Guard): Promise<T>;
  /** Changes what is kept of a workspace's states: as part of what is written here for long, if that is so, or by itself. */
  abstract keeping<T>(workspace: SandboxWorkspace, work: () => Promise<T>): Promise<T>;
}

/** The files are where everybody works with them: there is nothing to bring. */
export class DirectoryStorage extends WorkspaceStorage {
  made(): Promise<void> {
    return Promise.resolve();
  }

  gone(): Promise<void> {
    return Promise.resolve();
  }

  reading<T>(_: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    return work();
  }

  changing<T>(_: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    return work();
  }

  writing<T>(_: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    return work();
  }

  keeping<T>(_: SandboxWorkspace, work: () => Promise<T>): Promise<T> {
    return work();
  }
}
