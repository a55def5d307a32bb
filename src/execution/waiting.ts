/** What dispatch must know of an execution that waits for its turn. */
import type { WorkspaceAccess } from '../sandbox/sandbox.js';

/** The first goes before the second: somebody waits for it. */
export const PRIORITIES = ['interactive', 'batch'] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface Waiting {
  executionId: string;
  userId: string;
  projectId: string;
  access: WorkspaceAccess;
  priority: Priority;
}

export const waitingOf = ({
  id,
  userId,
  projectId,
  access,
  priority,
}: Omit<Waiting, 'executionId'> & { id: string }): Waiting => ({
  executionId: id,
  userId,
  projectId,
  access,
  priority,
});
