/** The pool of sandboxes that are started ahead, as the rows need it: its settings, and what it tells of itself. */
import type { Server } from './server.ts';
import { until } from './until.ts';

/** Whatever the product does when nothing is set. */
export const POOL_BY_DEFAULT: NodeJS.ProcessEnv = { POOL_SIZE: undefined };

export const poolOf = (size: number): NodeJS.ProcessEnv => ({ POOL_SIZE: String(size) });

/** Resolves once so many sandboxes wait for a prompt. */
export const untilWarm = (server: Server, count: number): Promise<void> =>
  until(async () => (await server.metric('caisson_pool_warm')) >= count, `${count} warm sandboxes`, 60_000);

/** How many executions found a sandbox that was started ahead, and how many did not. */
export async function claims(server: Server): Promise<{ hits: number; misses: number }> {
  return {
    hits: await server.metric('caisson_pool_hits_total'),
    misses: await server.metric('caisson_pool_misses_total'),
  };
}

/** Asks for one to be started ahead for a project. */
export const warmUp = (server: Server, projectId: string, userId?: string): Promise<unknown> =>
  server.call(
    'POST',
    `/api/projects/${projectId}/warm${userId === undefined ? '' : `?userId=${userId}`}`,
    {},
  );
