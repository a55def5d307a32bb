/** The handshake with a process that has no task yet: shows that it is up, and makes it go once where its task will go. */
import { on } from 'node:events';
import { z } from 'zod';
import type { SandboxedCli } from './sandboxed-cli.js';

/** Milliseconds; it takes about 400 on a quiet machine. */
const TIMEOUT = 60_000;

const RESPONSE = z.object({
  type: z.literal('control_response'),
  response: z.object({ request_id: z.string() }),
});

/**
 * A side question, which leaves no trace in the conversation. It is never answered: the gateway refuses it, because nobody
 * has asked for anything. What counts is that the CLI (2.1.330) has loaded and compiled what makes a request: the first
 * turn comes 30 ms earlier than after a handshake that asks for nothing (65 instead of 95 ms, side by side).
 */
const QUESTION = { subtype: 'side_question', question: 'Ready?' };

/** @throws Error when the process ends, or says nothing for too long, or `given` is aborted */
export async function warmUp(cli: SandboxedCli, requestId: string, given: AbortSignal): Promise<void> {
  cli.stdin.write(
    `${JSON.stringify({ request_id: requestId, type: 'control_request', request: QUESTION })}\n`,
  );
  const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT), cli.gone, given]);
  let text = '';
  for await (const [chunk] of on(cli.stdout, 'data', { signal })) {
    text += String(chunk);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    if (lines.some((line) => answers(line, requestId))) break;
  }
  // What comes next is for whoever drives the session.
  cli.stdout.pause();
}

/** Also when it answers that the question failed: that it is understood and answered is all. */
function answers(line: string, requestId: string): boolean {
  try {
    return RESPONSE.safeParse(JSON.parse(line)).data?.response.request_id === requestId;
  } catch {
    return false; // not a line of the protocol
  }
}
