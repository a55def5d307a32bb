/** The number an EventSource resumes after, from the header it sends when it reconnects. */
import { ClaudeCodeError } from '../errors/claude-code.error.js';

/** Undefined when there is none. @throws ClaudeCodeError E003 */
export function resumeFrom(header: string | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (!/^\d{1,15}$/.test(header)) {
    const problem = 'must be the number of an event';
    throw new ClaudeCodeError('E003', `Last-Event-ID ${problem}`, {
      details: [{ field: 'Last-Event-ID', problem }],
    });
  }
  return Number(header);
}
