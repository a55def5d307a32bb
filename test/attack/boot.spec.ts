/** A server whose sandbox is missing a layer: it says so, and runs nothing. */
import { startCaisson } from '../support/caisson.js';
import { refusalOf } from '../support/envelope.js';

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
