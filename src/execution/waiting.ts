/** What dispatch must know of an execution that waits for its turn. */
import type { WorkspaceAccess } from '../sandbox/sandbox.js';
import type { ClaudeCodeRequest } from '../commands/claude-code-request.js';

/** The first goes before the second: somebody waits for it. */
export const PRIORITIES = ['interactive', 'batch'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** In the place of a priority: held for the answer of the model's service, and in no queue (`held-executions.ts`). */
export const HELD = 'economy';

export interface Waiting {
  executionId: string;
  userId: string;
  projectId: string;
  access: WorkspaceAccess;
  priority: Priority;
}

/**
 * A dry run works on a copy: to the workspace it is a reader, whatever its agent may do with the copy. One that was held goes
 * on as one of a batch.
 */
export const waitingOf = ({
  id,
  userId,
  projectId,
  access,
  priority,
  request,
}: Omit<Waiting, 'executionId' | 'priority'> & {
  id: string;
  priority: Priority | typeof HELD;
  request: ClaudeCodeRequest;
}): Waiting => ({
  executionId: id,
  userId,
  projectId,
  access: request.options?.dryRun === true ? 'read-only' : access,
  priority: priority === HELD ? 'batch' : priority,
});
