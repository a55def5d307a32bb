/** A server whose sandbox is missing a layer: it says so, and runs nothing. */
import { startCaisson } from '../support/caisson.js';
import { refusalOf } from '../support/envelope.js';
import { until } from '../support/processes.js';
import { serverGround } from '../support/server-ground.js';
import { startServer } from '../support/server-process.js';

it('[S01] without bubblewrap readiness is red, every submission is E012 and nothing runs', async () => {
  const caisson = await startCaisson({ SANDBOX_BWRAP: '/nowhere/bwrap' });
  try {
    expect((await caisson.admin.get('/health/live')).status).toBe(200);
    expect((await caisson.admin.get('/health/ready')).status).toBe(503);
    for (const path of ['/api/claude-code', '/api/executions']) {
      const request = { action: 'generate', prompt: '@text never' };
      expect(refusalOf(await caisson.admin.call('POST', path, request)).code).toBe('E012');
    }
    expect((await caisson.admin.get('/api/executions')).body).toEqual({ items: [] });
  } finally {
    await caisson.clear();
  }
});

describe('with places that wait', () => {
  const ground = serverGround();

  it('[S02] a server without bubblewrap that wants to warm a place goes on saying what it misses', async () => {
    const settings = { SANDBOX_BWRAP: '/nowhere/bwrap', POOL_SIZE: '4', POOL_SPARES: '1' };
    const server = await startServer(ground.directory, settings, { readiness: 503 });
    await until(() => server.output().includes('nothing could be warmed'));
    for (const [path, status] of [
      ['/health/live', 200],
      ['/health/ready', 503],
    ] as const)
      expect((await server.admin.get(path)).status).toBe(status);
  });
});
