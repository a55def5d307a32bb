/** Reads a stream to its end for those who only want the answer. */
import type { ClaudeCodeResponse } from '../commands/claude-code-response.js';
import type { StreamItem } from '../execution/execution-event.js';

/** Undefined when the stream stopped before the end: its reader has left. */
export async function finishedResponse(
  events: AsyncIterable<StreamItem>,
): Promise<ClaudeCodeResponse | undefined> {
  for await (const event of events) if (event.type === 'execution.finished') return event.data.response;
  return undefined;
}
