/** The warm places port: what is known from outside about places that wait for their task, and how to ask for one. */
import Emittery from 'emittery';
import type { Workspace } from '../workspaces/workspace.js';

/**
 * Why a task had to wait for the start of its place: the pool is off; the workspace is not kept warm (new, or not used
 * for long); its place was still starting, had died, was started with what is not installed any more, with too little or
 * too much access, or did not take what the task needs; or the task wants a working directory of its own, may reach
 * hosts that were granted to its project, works on a copy, or goes on in an earlier conversation.
 */
export const MISS_REASONS = [
  'off',
  'unknown',
  'starting',
  'died',
  'outdated',
  'access',
  'bind',
  'working-directory',
  'egress',
  'copy',
  'continue',
] as const;
export type MissReason = (typeof MISS_REASONS)[number];

export interface WarmEvents {
  /** A task was given its place: one that waited (`hit`), after so many milliseconds, or why not. */
  claimed: { outcome: 'hit' | MissReason; afterMs: number };
  /** A place has become ready. */
  started: { afterMs: number };
}

export abstract class WarmPlaces {
  readonly events = new Emittery<WarmEvents>();
  /** Places that are ready. */
  abstract get ready(): number;
  /** Ids of the workspaces that somebody owns and that have one. */
  abstract get warmed(): string[];
  /** Milliseconds that each of them has been ready. */
  abstract get ages(): number[];
  /** Bytes of memory (PSS) that they hold, as last measured. */
  abstract get memoryBytes(): number;
  /** Keeps this workspace warm from now on. */
  abstract warm(workspace: Workspace): 'ready' | 'starting' | 'off';
  /** No longer keeps it warm: nothing that waits could be used for it. */
  abstract cool(workspace: Pick<Workspace, 'id'>): void;
}
