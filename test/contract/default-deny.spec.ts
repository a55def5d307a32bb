/** Walks every route the server has: what is not meant for everybody answers nobody without a key. */
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SCOPES } from '../../src/access/principal.js';
import { type Caisson, startCaisson } from '../support/caisson.js';

/** The whole list of what needs no key. */
const PUBLIC = /^\/(health\/(live|ready|startup)|docs(-json|-yaml)?(\/.*)?)$/;

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

/** As Express holds them: nothing registered can be missing here. */
function routesOf(app: NestExpressApplication): { method: string; path: string }[] {
  const { stack } = (app.getHttpAdapter().getInstance() as { router: { stack: Layer[] } }).router;
  return stack.flatMap(({ route }) =>
    route === undefined
      ? []
      : methodsOf(route.methods).map((method) => ({
          method: method.toUpperCase(),
          path: route.path.replace(/\{[^}]*\}/g, '').replace(/[:*]\w+/g, 'x'),
        })),
  );
}

/** A layer for all methods is tried with one of them: the framework's own not-found handlers are such. */
const methodsOf = (methods: Record<string, boolean>): string[] =>
  Object.keys(methods).length > 10 ? ['get'] : Object.keys(methods);

describe('every route', () => {
  let caisson: Caisson;
  beforeAll(async () => (caisson = await startCaisson()));
  afterAll(() => caisson.clear());

  const answers = async (route: { method: string; path: string }, headers: Record<string, string> = {}) => {
    const response = await fetch(caisson.url + route.path, { method: route.method, headers });
    const code = /"code":"(E\d+)"/.exec(await response.text())?.[1];
    return `${route.method} ${route.path} ${response.status}${code === undefined ? '' : ` ${code}`}`;
  };
  const closed = () => routesOf(caisson.app).filter(({ path }) => !PUBLIC.test(path));

  it('is found by the walk', () => {
    const paths = routesOf(caisson.app).map(({ method, path }) => `${method} ${path}`);
    for (const known of [
      'POST /api/claude-code',
      'POST /api/executions',
      'GET /api/executions/x/events',
      'DELETE /api/keys/x',
      'GET /api/audit',
      'GET /api/usage',
      'GET /api/commands',
      'GET /metrics',
      'GET /health/ready',
    ])
      expect(paths).toContain(known);
  });

  it('that is not public refuses a call without a key, and with a wrong one', async () => {
    for (const route of closed()) {
      const refused = `${route.method} ${route.path} 401${route.method === 'HEAD' ? '' : ' E007'}`;
      expect(await answers(route)).toBe(refused);
      expect(await answers(route, { Authorization: `Bearer csk_${'A'.repeat(43)}` })).toBe(refused);
    }
  });

  it('that is not public refuses a key without any of its scopes', async () => {
    // No route is for `act-as` alone: it widens what the other scopes allow.
    const { secret } = await caisson.clientOf('alice', ['act-as']);
    for (const route of closed())
      expect(await answers(route, { 'x-api-key': secret })).toMatch(/ 403( E008)?$/);
  });

  it('is open to some key: none was forgotten and is closed to all', async () => {
    const { secret } = await caisson.clientOf('root', [...SCOPES]);
    for (const route of closed().filter(({ method }) => method === 'GET'))
      expect(await answers(route, { 'x-api-key': secret })).not.toMatch(/ 40[13]/);
  });
});
