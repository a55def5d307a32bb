/** The pool of sandboxes that are started ahead, as the rows need it: its settings, and what it tells of itself. */
import type { Server } from './server.ts';
import { until } from './until.ts';

/** Whatever the product does when nothing is set. */
export const POOL_BY_DEFAULT: NodeJS.ProcessEnv = { POOL_SIZE: undefined };

/** So many for workspaces that are in use, and none for those to come: how many there are is known then. */
export const poolOf = (size: number): NodeJS.ProcessEnv => ({ POOL_SIZE: String(size), POOL_SPARES: '0' });

/** Resolves once so many sandboxes wait for a prompt. */
export const untilWarm = (server: Server, count: number): Promise<void> =>
  until(async () => (await server.metric('caisson_pool_ready')) >= count, `${count} warm sandboxes`, 60_000);

/** How many executions found a sandbox that was started ahead, and how many did not, by the reason that the product gives. */
export async function claims(server: Server): Promise<{ hits: number; misses: Map<string, number> }> {
  const text = await server.call<string>('GET', '/metrics');
  const missed = [...text.matchAll(/^caisson_pool_misses_total\{.*?reason="([^"]+)".*?\} (\d+)$/gm)];
  return {
    hits: await server.metric('caisson_pool_hits_total'),
    misses: new Map(missed.map(([, reason = '', count]) => [reason, Number(count)])),
  };
}

/** Asks for one to be started ahead for a project. */
export const warmUp = (server: Server, projectId: string, userId?: string): Promise<unknown> =>
  server.call(
    'POST',
    `/api/projects/${projectId}/warm${userId === undefined ? '' : `?userId=${userId}`}`,
    {},
  );
