/** A limit that a sandbox passed, as the error of whoever needed the sandbox. */
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { ExceededLimit, LimitName } from '../sandbox.js';

const WHAT: Record<LimitName, (max: number) => string> = {
  memory: (max) => `${max} bytes of memory`,
  processes: (max) => `${max} processes and threads`,
  'workspace-bytes': (max) => `${max} bytes of workspace`,
  'workspace-entries': (max) => `${max} files and directories in the workspace`,
};

/** E015 with `details: {limit, max}`. */
export const limitExceeded = ({ limit, max }: ExceededLimit): ClaudeCodeError =>
  new ClaudeCodeError('E015', `The sandbox passed a limit: ${WHAT[limit](max)}.`, {
    details: { limit, max },
  });
