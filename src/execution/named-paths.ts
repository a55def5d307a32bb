/** The paths that a task names: each must be in the workspace when it is accepted. */
import type { AgentTask } from '../agents/agent-task.js';
import type { Workspaces } from '../workspaces/workspace.js';

export type NamedPath = Parameters<Workspaces['mustExist']>[1][number];

export const namedPaths = ({ workingDirectory, files }: AgentTask): NamedPath[] => [
  ...(workingDirectory === '.' ? [] : [{ path: workingDirectory, type: 'directory' as const }]),
  ...files.map((path) => ({ path, type: 'any' as const })),
];
