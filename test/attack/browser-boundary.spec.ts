/** What a page of another origin gets from a browser that would gladly send the user's requests: nothing. */
import { request } from 'node:http';
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { rawCall } from '../support/raw-http.js';

const EVIL = 'https://evil.example';
const FRIEND = 'https://app.example';

describe.each([
  ['with no origin allowed', {}, []],
  ['with one origin allowed', { CORS_ORIGINS: FRIEND }, [FRIEND]],
])('the server %s', (_, settings, allowed: string[]) => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson(settings);
  });
  afterAll(() => caisson.clear());

  const preflight = (origin: string) =>
    fetch(`${caisson.url}/api/claude-code`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  it.each([EVIL, FRIEND, 'null', `${FRIEND}.evil.example`, FRIEND.replace('https', 'http')])(
    '[A10] a page of another origin reads only if it is listed: %s',
    async (origin) => {
      const expected = allowed.includes(origin) ? origin : null;
      const asked = await rawCall(caisson.admin, 'GET', '/api/executions', undefined, { origin });
      expect(asked.headers.get('access-control-allow-origin')).toBe(expected);
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBe(expected);
      expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  /** The status of the long-polling handshake and of the WebSocket's: refused, socket.io answers 403 and 400. */
  const handshakes = async (origin: string) => {
    const polling = await fetch(`${caisson.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    const upgrade = request(`${caisson.url}/socket.io/?EIO=4&transport=websocket`, {
      headers: {
        origin,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    upgrade.end();
    const status = await Promise.race([
      once(upgrade, 'response').then(([response]) => (response as { statusCode: number }).statusCode),
      once(upgrade, 'upgrade').then(([response, socket]) => {
        (socket as { destroy: () => void }).destroy();
        return (response as { statusCode: number }).statusCode;
      }),
    ]);
    return [polling.status, status];
  };

  it.each([EVIL, FRIEND, 'null', `${FRIEND}.evil.example`])(
    '[A46] a page of another origin opens a socket only if it is listed: %s',
    async (origin) => {
      expect(await handshakes(origin)).toEqual(allowed.includes(origin) ? [200, 101] : [403, 400]);
    },
  );

  it('[A47] its own page opens a socket', async () => {
    expect(await handshakes(caisson.url)).toEqual([200, 101]);
  });

  it.each(['/health/live', '/api/executions', '/api/nowhere', '/docs', '/metrics'])(
    '[A48] answers tell browsers to be careful: %s',
    async (path) => {
      const { headers } = await rawCall(caisson.admin, 'GET', path);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'self'"),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'strict-transport-security': expect.stringContaining('max-age='),
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers.get('x-powered-by')).toBeNull();
    },
  );
});

describe('a socket that sends too much', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson();
  });
  afterAll(() => caisson.clear());

  it.each(['websocket', 'polling'])(
    '[A49] a socket is closed at a message of 3 MB, and nobody else: %s',
    async (transport) => {
      const other = await caisson.admin.socket();
      const socket = io(caisson.url, {
        auth: { token: caisson.admin.secret },
        transports: [transport],
        forceNew: true,
        reconnection: false,
      });
      await new Promise((resolve) => socket.once('connect', () => resolve(undefined)));
      const closed = new Promise((resolve) => socket.once('disconnect', resolve));
      socket.emit('claude-code-stream', { action: 'generate', prompt: 'x'.repeat(3 * 1024 * 1024) });
      expect(await closed).toMatch(/transport (close|error)/);
      expect(other.connected).toBe(true);
      expect(await other.emitWithAck('claude-code-cancel', { executionId: 'x' })).toMatchObject({
        error: { code: 'E009' },
      });
      expect((await caisson.admin.get('/api/executions')).body).toEqual({ items: [] });
      caisson.admin.close();
    },
  );
});
