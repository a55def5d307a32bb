/** Asks for an execution and follows it to its end, which a cancel brings about and does not cut off. */
import type {
  CaissonClient,
  ClaudeCodeRequest,
  ClaudeCodeResponse,
  ExecutionEvent,
} from '../client/client.js';

export interface FollowOptions {
  /** Aborted when it is not wanted any more. */
  signal: AbortSignal;
  /** Handed what cancels it, as soon as there is something to cancel. */
  onCancel: (cancel: () => void) => void;
  onEvent: (event: ExecutionEvent) => void;
  /** Told once whenever the connection is lost. */
  onInterruption: (error: Error) => void;
}

/** @throws CaissonError when it is refused; the signal's reason when it was not accepted before that */
export async function followed(
  client: CaissonClient,
  request: ClaudeCodeRequest,
  { signal, onCancel, onEvent, onInterruption }: FollowOptions,
): Promise<ClaudeCodeResponse> {
  const lost = (error: Error, attempt: number) => (attempt === 1 ? onInterruption(error) : undefined);
  const id = await submitted(client, request, signal, lost);
  let notCancelled: unknown;
  const cancel = () => void client.cancel(id).catch((error: unknown) => (notCancelled = error));
  onCancel(cancel);
  if (signal.aborted) cancel();
  for await (const event of client.events(id, { onInterruption: lost })) {
    onEvent(event);
    if (event.type === 'execution.finished') return event.data.response;
  }
  throw notCancelled instanceof Error ? notCancelled : new Error('the stream ended without an end');
}

async function submitted(
  client: CaissonClient,
  request: ClaudeCodeRequest,
  signal: AbortSignal,
  onInterruption: (error: Error, attempt: number) => void,
): Promise<string> {
  const idempotencyKey = crypto.randomUUID();
  try {
    return (await client.submit(request, { idempotencyKey, signal, onInterruption })).id;
  } catch (error) {
    if (!signal.aborted) throw error;
    // It may have been accepted all the same: asked once more, the server names the one it has, to be cancelled.
    return (await client.submit(request, { idempotencyKey, patienceMs: 0 })).id;
  }
}
