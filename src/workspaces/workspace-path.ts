/** A path in a workspace as somebody asks for it, checked before anything is touched. */
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { workspacePathProblem } from './housekeeper/path-rule.mts';

/**
 * The path as it came, when it is well formed. Nothing is ever normalised: a path means what it says or is refused.
 * @param field what the caller calls it, for the error
 * @throws ClaudeCodeError E003 or E004; `details` names the field
 */
export function workspacePath(path: string, field = 'path'): string {
  const problem = workspacePathProblem(path);
  if (problem === undefined) return path;
  throw new ClaudeCodeError(problem.code, `${field} ${problem.reason}`, {
    details: [{ field, problem: problem.reason }],
  });
}

/** A directory's path, '' for the workspace itself, which is asked for by `.` or by nothing. @throws ClaudeCodeError */
export const directoryPath = (path = '.'): string => (path === '.' ? '' : workspacePath(path));
