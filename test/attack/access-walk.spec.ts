/** Default deny, walked: every route Express knows and every message the gateway knows, as nobody, and with a key that may nothing. */
import { io, type Socket } from 'socket.io-client';
import { ApiKeys } from '../../src/access/api-keys.js';
import { SCOPES } from '../../src/access/principal.js';
import { StreamingGateway } from '../../src/streaming/streaming.gateway.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { Client } from '../support/client.js';
import { errorBody, refusalOf } from '../support/envelope.js';
import { rawCall } from '../support/raw-http.js';
import { type Route, routesOf } from '../support/routes.js';

/** All that may be seen without a key. A route that is not here and answers is the finding. */
const PUBLIC = [
  'GET /health/live',
  'GET /health/ready',
  'GET /health/startup',
  'GET /docs',
  'GET /docs/',
  'GET /docs/index.html',
  'GET /docs/LICENSE',
  'GET /docs/swagger-ui-init.js',
  'GET /docs/docs/swagger-ui-init.js',
  'GET /docs-json',
  'GET /docs-yaml',
];

/** For each route, the scopes of which one is enough. */
const ENOUGH: Record<string, readonly string[]> = {
  'GET /metrics': ['read'],
  'GET /api/commands': ['read'],
  'GET /api/engines': ['read'],
  'POST /api/keys': ['admin'],
  'GET /api/keys': ['admin'],
  'DELETE /api/keys/known': ['admin'],
  'GET /api/audit': ['read', 'admin'],
  'GET /api/usage': ['read', 'admin'],
  'POST /api/claude-code': ['run'],
  'POST /api/executions': ['run'],
  'GET /api/executions': ['read'],
  'GET /api/executions/known': ['read'],
  'GET /api/executions/known/changes': ['read'],
  'GET /api/executions/known/events': ['read'],
  'GET /api/executions/known/events/1': ['read'],
  'POST /api/executions/known/cancel': ['run'],
  'POST /api/executions/known/apply': ['run'],
  'POST /api/executions/known/revert': ['run'],
  'POST /api/batches': ['run'],
  'GET /api/batches': ['read'],
  'GET /api/batches/known': ['read'],
  'GET /api/batches/known/events': ['read'],
  'GET /api/batches/known/results': ['read'],
  'POST /api/batches/known/cancel': ['run'],
  'GET /api/projects/known/files': ['read'],
  'GET /api/projects/known/files/some/file.txt': ['read'],
  'PUT /api/projects/known/files/some/file.txt': ['run'],
  'DELETE /api/projects/known/files/some/file.txt': ['run'],
  'POST /api/projects/known/upload': ['run'],
  'GET /api/projects/known/download': ['read'],
  'POST /api/projects/known/clone': ['run'],
  'POST /api/projects/known/warm': ['run'],
  'GET /api/projects/known/snapshots': ['read'],
  'POST /api/projects/known/restore': ['run'],
  'GET /api/projects/known/egress': ['admin'],
  'PUT /api/projects/known/egress': ['admin'],
  'DELETE /api/projects/known/egress': ['admin'],
};

const nameOf = ({ method, path }: Route) => `${method} ${path}`;

describe('the walk', () => {
  let caisson: Caisson;
  let keys: ApiKeys;
  let routes: Route[];
  beforeAll(async () => {
    caisson = await startCaisson();
    keys = caisson.app.get(ApiKeys);
    const found = routesOf(caisson.app).map((route) => [nameOf(route), route] as const);
    routes = [...new Map(found).values()];
  });
  afterAll(() => caisson.clear());

  const nobody = () => new Client(caisson.url, '');
  const keyWith = (...scopes: (typeof SCOPES)[number][]) => caisson.clientOf('walker', scopes);

  it('[A20] the walk knows every route', () => {
    expect(routes.map(nameOf).sort()).toEqual([...PUBLIC, ...Object.keys(ENOUGH)].sort());
  });

  it('[A21] without a key: only what is public answers', async () => {
    for (const route of routes) {
      const answer = await rawCall(nobody(), route.method, route.path);
      if (PUBLIC.includes(nameOf(route)))
        expect([nameOf(route), [401, 403].includes(answer.status)]).toEqual([nameOf(route), false]);
      else expect([nameOf(route), refusalOf(answer).code]).toEqual([nameOf(route), 'E007']);
    }
  });

  it('[A22] with a key that may nothing, or all but what is needed: without a scope nothing answers', async () => {
    const powerless = await keyWith();
    for (const [name, enough] of Object.entries(ENOUGH)) {
      const [method = '', path = ''] = name.split(' ');
      const others = await keyWith(...SCOPES.filter((scope) => !enough.includes(scope)));
      for (const client of [powerless, others])
        expect([name, refusalOf(await rawCall(client, method, path)).code]).toEqual([name, 'E008']);
    }
  });

  it('[A23] with one of the scopes: no route is refused for its key', async () => {
    for (const [name, enough] of Object.entries(ENOUGH)) {
      const [method = '', path = ''] = name.split(' ');
      for (const scope of enough) {
        const { status } = await rawCall(await keyWith(scope as (typeof SCOPES)[number]), method, path);
        expect([name, scope, status === 401 || status === 403]).toEqual([name, scope, false]);
      }
    }
  });

  it('[A24] no other method of a path that is known does anything', async () => {
    for (const path of new Set(routes.map((route) => route.path)))
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])
        if (!routes.some((route) => route.path === path && route.method === method))
          expect([method, path, refusalOf(await rawCall(nobody(), method, path)).code]).toEqual([
            method,
            path,
            'E009',
          ]);
  });

  it('[A25] METRICS_PUBLIC opens /metrics and nothing else', async () => {
    const open = await startCaisson({ METRICS_PUBLIC: 'true' });
    try {
      const stranger = new Client(open.url, '');
      expect((await rawCall(stranger, 'GET', '/metrics')).status).toBe(200);
      expect((await rawCall(stranger, 'GET', '/api/usage')).status).toBe(401);
    } finally {
      await open.clear();
    }
  });

  describe('of the sockets', () => {
    const opened: Socket[] = [];
    afterAll(() => opened.forEach((socket) => socket.disconnect()));

    const connect = (auth: object, options = {}) => {
      const socket = io(caisson.url, { auth, forceNew: true, reconnection: false, ...options });
      opened.push(socket);
      return new Promise<Socket>((resolve, reject) => {
        socket.once('connect', () => resolve(socket));
        socket.once('connect_error', reject);
      });
    };
    /** What each message would carry if it were allowed. */
    const MESSAGES: Record<string, object> = {
      'claude-code-stream': { action: 'generate', prompt: '@text never' },
      'claude-code-subscribe': { executionId: 'known' },
      'claude-code-cancel': { executionId: 'known' },
      'claude-code-batch': { requests: [{ action: 'generate', prompt: '@text never' }] },
      'claude-code-batch-subscribe': { batchId: 'known' },
      'claude-code-batch-cancel': { batchId: 'known' },
    };

    it('[A26] the walk knows every socket message', () => {
      expect(Object.keys(caisson.app.get(StreamingGateway).messages).sort()).toEqual(
        Object.keys(MESSAGES).sort(),
      );
    });

    it.each([
      ['no token', {}],
      ['an empty token', { token: '' }],
      ['a wrong token', { token: 'csk_wrong' }],
      ['a token that is no text', { token: { $ne: '' } }],
      ['a list of tokens', { token: ['csk_wrong'] }],
      ['a very long token', { token: 'x'.repeat(100_000) }],
    ])('[A27] a socket connection without a valid token is refused: %s', async (_, auth) => {
      const refused: unknown = await connect(auth).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Error);
      expect(errorBody.parse((refused as { data?: unknown }).data).code).toBe('E007');
    });

    it('[A08] a key is not taken from where it would be logged: query string, cookie', async () => {
      const { secret } = await keyWith('run', 'read');
      for (const options of [{ query: { token: secret } }, { extraHeaders: { cookie: `token=${secret}` } }])
        await expect(connect({}, options)).rejects.toMatchObject({ data: { code: 'E007' } });
    });

    it('[A28] a revoked key opens no socket', async () => {
      const { id, secret } = await keys.create({ userId: 'walker', name: 'old', scopes: ['read'] });
      await keys.revoke(id);
      await expect(connect({ token: secret })).rejects.toMatchObject({ data: { code: 'E007' } });
    });

    it('[A29] with a key that may nothing: no socket message is taken', async () => {
      const socket = await connect({ token: (await keyWith()).secret });
      for (const [name, message] of Object.entries(MESSAGES)) {
        const { error } = (await socket.emitWithAck(name, message)) as { error: unknown };
        expect([name, errorBody.parse(error).code]).toEqual([name, 'E008']);
      }
    });

    it('[A30] a key that is revoked while its socket is open stops working', async () => {
      const { id, secret } = await keys.create({
        userId: 'walker',
        name: 'soon old',
        scopes: ['run', 'read'],
      });
      const socket = await connect({ token: secret });
      const answer: unknown = await socket.emitWithAck('claude-code-subscribe', { executionId: 'known' });
      expect(answer).toMatchObject({ error: { code: 'E009' } });
      // What was just refused is told as well, perhaps only now.
      const told = new Promise<void>((resolve) =>
        socket.on('claude-code-error', ({ error }: { error: { code: string } }) => {
          if (error.code === 'E007') resolve();
        }),
      );
      const closed = new Promise((resolve) => socket.once('disconnect', resolve));
      expect((await caisson.admin.call('DELETE', `/api/keys/${id}`)).status).toBe(204);
      await told;
      expect(await closed).toBe('io server disconnect');
      expect((await new Client(caisson.url, secret).get('/api/executions')).status).toBe(401);
    });

    it('[A31] a socket message that is unknown is refused, with or without an acknowledgement', async () => {
      const socket = await connect({ token: caisson.admin.secret });
      expect(await socket.emitWithAck('claude-code-admin', {})).toMatchObject({ error: { code: 'E003' } });
      const told = new Promise((resolve) => socket.once('claude-code-error', resolve));
      socket.emit('claude-code-admin', {});
      expect(await told).toMatchObject({ error: { code: 'E003' } });
    });
  });
});
