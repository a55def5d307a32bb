/** The sandbox port: one isolated process tree with one workspace, at most one model socket and at most one egress socket. */
import type { Readable, Writable } from 'node:stream';
import Emittery from 'emittery';

export type WorkspaceAccess = 'read-only' | 'read-write';

/** Where a sandbox's files are and as whom its processes run, as the host knows it. */
export interface SandboxWorkspace {
  /** Opaque directory name (no tenant's name: the kernel shows mount sources inside). */
  id: string;
  /** Absolute host path that is mounted at /workspace. */
  path: string;
  /** Host uid and gid of the sandbox's processes; undefined = the server's own (when it is not root). */
  uid?: number;
}

/** What to start. The argument vector is the server's own: nothing a user sent is ever part of it. */
export interface SandboxOrder {
  workspace: SandboxWorkspace;
  access: WorkspaceAccess;
  /** Program and arguments inside the sandbox. */
  argv: readonly [string, ...string[]];
  /** Relative to the workspace; must exist. */
  workingDirectory?: string;
  /** Added to the fixed environment (PATH, HOME, TMPDIR, LANG, TERM). Never a secret. */
  env?: Readonly<Record<string, string>>;
  /** Host path of the unix socket that is the sandbox's way to the model: 127.0.0.1:3128 inside. */
  modelSocket?: string;
  /** Host path of the unix socket that is the sandbox's way to granted hosts: an HTTP CONNECT proxy at 127.0.0.1:3129 inside. */
  egressSocket?: string;
  /** Host files or directories to show read-only at the given place, e.g. the agent's binary. */
  readOnly?: readonly { source: string; target: string }[];
  /** Contents to show read-only as files at the given place, of the server's choice: bytes that no host file has. */
  files?: readonly { target: string; content: Buffer }[];
  /** Host directories to show writable at the given place; only housekeeping uses this. */
  writable?: readonly { source: string; target: string }[];
  /**
   * Waits for its work: its program is the server's own and has been given nothing yet, so nothing of it is measured
   * until `employ`, and where others want the processor it gives way. Its access must be what it may have at most.
   */
  waits?: true;
  /** Reads also what the workspace's owner has closed to itself; only what measures workspaces needs this. */
  readsEverything?: true;
}

/** The limits whose exceeding ends a sandbox; others (open files, file size, CPU) are felt by the program alone. */
export type LimitName = 'memory' | 'processes' | 'workspace-bytes' | 'workspace-entries';

export interface ExceededLimit {
  limit: LimitName;
  /** What was allowed: bytes or a count. */
  max: number;
}

export interface SandboxExit {
  /** Exit code of the process inside, or null when a signal ended it (also told as 128 + its number, as shells do). */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The first limit that was exceeded, whether or not the program had ended by itself by then. */
  exceeded?: ExceededLimit;
}

/**
 * A started sandbox. It dies with the server, whatever happens to either. Whoever holds one reads its stdout and stderr
 * to their end, or calls `end()`.
 */
export interface Sandbox {
  readonly id: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves once, when every process inside is gone; never rejects. */
  readonly exited: Promise<SandboxExit>;
  /**
   * TERM to the process inside, then KILL to everything after `graceMs`.
   * Resolves when nothing of the sandbox is alive; calling it again or after the end is harmless.
   */
  end(graceMs: number): Promise<SandboxExit>;
  /**
   * Ends the waiting of one that was ordered with `waits`: from here on it counts like any other. With `read-only`, the
   * kernel keeps its workspace so from now on; `Sandboxes.narrows` tells where that can be had.
   * @throws SandboxGoneError; Error when the kernel does not: whoever asked ends it
   */
  employ(access: WorkspaceAccess): Promise<void>;
  /** Bytes of memory that its processes hold now, what they share counted by part (PSS); reading it is not cheap. */
  memoryBytes(): Promise<number>;
}

/** Thrown by `employ` when nothing of the sandbox is alive to be employed: known before its output has come to its end. */
export class SandboxGoneError extends Error {
  override readonly name = 'SandboxGoneError';
}

export type ProbeCheck = { name: string; ok: boolean; reason?: string; mend?: string };
/** Something weaker than it could be, by the operator's leave. */
export type ProbeWarning = { name: string; reason: string; mend: string };
/** What the boot probe found: every promise of the sandbox with whether it holds here, and if not why and what helps. */
export interface ProbeReport {
  ok: boolean;
  checks: ProbeCheck[];
  warnings: ProbeWarning[];
}

export abstract class Sandboxes {
  /** Tells of every start how long it took, in milliseconds. */
  readonly starts = new Emittery<{ started: { afterMs: number } }>();

  /**
   * Starts a sandbox and resolves once its process runs.
   * @throws ClaudeCodeError E012 when no sandbox can be had (the probe failed, bwrap missing, start failed).
   */
  abstract start(order: SandboxOrder): Promise<Sandbox>;

  /** True when a waiting sandbox with a writable workspace can be made read-only. */
  abstract narrows(): Promise<boolean>;

  /** Runs the real argument list with a probe inside; the result decides readiness. */
  abstract probe(): Promise<ProbeReport>;

  /** The last probe's report; undefined before the first has ended. */
  abstract get report(): ProbeReport | undefined;
}
