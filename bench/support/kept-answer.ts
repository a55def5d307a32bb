/** A request whose answer is kept, and what it takes to have it so. */
import { setTimeout as delay } from 'node:timers/promises';
import { HELLO } from './first-token.ts';
import type { ExecutionView, Server } from './server.ts';

/** Whatever the product does when nothing is set. */
export const CACHE_BY_DEFAULT: NodeJS.ProcessEnv = { CACHE_MAX_BYTES: undefined };

export const KEPT = { action: 'analyze', prompt: HELLO } as const;

/** Resolves once the answer is given without anything that runs; with an execution that was answered so. */
export async function untilKept(server: Server): Promise<ExecutionView> {
  for (;;) {
    const execution = await server.call<ExecutionView>('POST', '/api/executions', KEPT);
    if (execution.status === 'succeeded') return execution;
    await server.ended(execution.id);
    await delay(100); // it is kept a moment after its end
  }
}
