/** Who may call what, and how often, over real HTTP. */
import { ApiKeys } from '../../src/access/api-keys.js';
import { Config } from '../../src/config/config.js';
import { openDatabase } from '../../src/persistence/persistence.module.js';
import { bodyOf, type EdgeApp, openEdgeApp } from '../support/edge-app.js';
import { until } from '../support/processes.js';
import { describeOnEachDatabase } from '../support/databases.js';

describeOnEachDatabase('access', (engine) => {
  let app: EdgeApp;
  let settings: NodeJS.ProcessEnv;
  let admin: string;
  beforeAll(async () => {
    settings = await engine.settings();
    app = await openEdgeApp(settings);
    admin = (await app.get(ApiKeys).bootstrap())!;
  });
  afterAll(() => app.close());

  const errorOf = async (response: Response) => ({
    status: response.status,
    ...(await bodyOf(response)).error,
  });

  describe('default deny', () => {
    it.each([
      ['GET', '/api/keys'],
      ['POST', '/api/keys'],
      ['DELETE', '/api/keys/1'],
      ['GET', '/api/audit'],
      ['GET', '/api/usage'],
      ['GET', '/metrics'],
      ['GET', '/api/trial/open-to-readers'],
    ])('%s %s needs a key', async (method, path) => {
      const response = await app.call(path, undefined, { method });
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await errorOf(response)).toMatchObject({ status: 401, code: 'E007' });
    });

    it('refuses a route that declares nothing, whatever the key may do', async () => {
      expect(await errorOf(await app.call('/api/trial/undeclared', admin))).toMatchObject({
        status: 403,
        code: 'E008',
      });
    });

    it('refuses a valid key without the scope', async () => {
      const key = await app.key('runner', 'run');
      expect(await errorOf(await app.call('/api/trial/open-to-readers', key))).toMatchObject({
        code: 'E008',
      });
      expect(await errorOf(await app.call('/api/keys', key))).toMatchObject({ code: 'E008' });
    });

    it.each(['', 'x', 'csk_', 'csk_' + 'A'.repeat(43), 'é'.repeat(50), "' or 1=1 --", 'a'.repeat(5000)])(
      'refuses the key %j',
      async (secret) => {
        const response = await fetch(`${app.url}/api/keys`, {
          headers: { 'x-api-key': encodeURIComponent(secret) },
        });
        expect(await errorOf(response)).toMatchObject({ status: 401, code: 'E007' });
      },
    );

    it('takes the key from either header, and refuses two that differ', async () => {
      const read = (headers: Record<string, string>) =>
        fetch(`${app.url}/api/trial/open-to-readers`, { headers });
      expect((await read({ 'x-api-key': admin })).status).toBe(200);
      expect((await read({ authorization: `bearer ${admin}` })).status).toBe(200);
      expect((await read({ 'x-api-key': admin, authorization: `Bearer ${admin}` })).status).toBe(200);
      expect((await read({ 'x-api-key': 'other', authorization: `Bearer ${admin}` })).status).toBe(401);
      expect((await read({ authorization: `Basic ${admin}` })).status).toBe(401);
    });
  });

  describe('keys', () => {
    const create = (body: unknown) =>
      app.call('/api/keys', admin, { method: 'POST', body: JSON.stringify(body) });

    it('are made with a secret that is shown once and stored nowhere', async () => {
      const response = await create({ userId: 'alice', name: 'laptop', scopes: ['run', 'read'] });
      expect(response.status).toBe(201);
      const made = await bodyOf(response);
      expect(made).toEqual({
        id: expect.any(String),
        createdAt: expect.any(Number),
        prefix: made.secret.slice(0, 12),
        userId: 'alice',
        name: 'laptop',
        scopes: ['run', 'read'],
        secret: expect.stringMatching(/^csk_[\w-]{43}$/),
      });
      expect((await app.call('/api/trial/open-to-readers', made.secret)).status).toBe(200);
      const list = await (await app.call('/api/keys?limit=500', admin)).text();
      expect(list).toContain(made.id);
      expect(list).not.toContain(made.secret);
      const rows = JSON.stringify(await app.database.selectFrom('apiKeys').selectAll().execute());
      expect(rows).toContain(made.id);
      expect(rows).not.toContain(made.secret);
    });

    it('stop working at once when revoked, and can be revoked twice', async () => {
      const made = await bodyOf(create({ userId: 'bob', name: 'old', scopes: ['read'] }));
      const revoke = () => app.call(`/api/keys/${made.id}`, admin, { method: 'DELETE' });
      const use = async () => (await app.call('/api/trial/open-to-readers', made.secret)).status;
      // Known and used: what was remembered of it must not count any more.
      expect([await use(), await use()]).toEqual([200, 200]);
      expect((await revoke()).status).toBe(204);
      expect(await use()).toBe(401);
      expect((await revoke()).status).toBe(204);
    });

    it('stop working soon when somebody revokes them in the database itself', async () => {
      const made = await bodyOf(create({ userId: 'bob', name: 'leaked', scopes: ['read'] }));
      const use = async () => (await app.call('/api/trial/open-to-readers', made.secret)).status;
      expect(await use()).toBe(200);
      const other = await openDatabase(Config.from(settings));
      await other
        .updateTable('apiKeys')
        .set({ revokedAt: 1 })
        .where('id', '=', made.id as string)
        .execute();
      await other.destroy();
      await until(async () => (await use()) === 401);
    });

    it('that do not exist cannot be revoked', async () => {
      expect(await errorOf(await app.call('/api/keys/none', admin, { method: 'DELETE' }))).toMatchObject({
        status: 404,
        code: 'E009',
      });
    });

    it('keep one administrator', async () => {
      const { items } = await bodyOf(app.call('/api/keys?limit=500', admin));
      const { id } = items.find((key: { name: string }) => key.name === 'bootstrap');
      const revoke = (key: string) => app.call(`/api/keys/${id}`, key, { method: 'DELETE' });
      expect(await errorOf(await revoke(admin))).toMatchObject({ status: 409, code: 'E010' });
      const second = await bodyOf(create({ userId: 'root', name: 'second', scopes: ['admin'] }));
      const other = await bodyOf(create({ userId: 'root', name: 'third', scopes: ['admin'] }));
      expect((await app.call(`/api/keys/${second.id}`, other.secret, { method: 'DELETE' })).status).toBe(204);
      expect((await app.call(`/api/keys/${other.id}`, admin, { method: 'DELETE' })).status).toBe(204);
    });

    it.each([
      [{ userId: '../x', name: 'n', scopes: ['read'] }, 'userId'],
      [{ userId: 'a', name: '', scopes: ['read'] }, 'name'],
      [{ userId: 'a', name: 'n', scopes: ['root'] }, 'scopes'],
      [{ userId: 'a', name: 'n', scopes: [] }, 'scopes'],
      [{ userId: 'a', name: 'n', scopes: ['read'], secret: 'mine' }, 'secret'],
    ])('are refused as %j', async (body, field) => {
      expect(await errorOf(await create(body))).toMatchObject({
        status: 400,
        code: 'E003',
        details: [{ field }],
      });
    });

    it('are listed page by page, newest first', async () => {
      const first = await bodyOf(app.call('/api/keys?limit=2', admin));
      const second = await bodyOf(app.call(`/api/keys?limit=2&cursor=${first.nextCursor}`, admin));
      expect(first.items).toHaveLength(2);
      expect(second.items[0].id < first.items[1].id).toBe(true);
    });
  });

  it('makes the first key only once', async () => {
    expect(await app.get(ApiKeys).bootstrap()).toBeUndefined();
  });
});

describe('BOOTSTRAP_API_KEY', () => {
  it('is the first administrator, and is not made again when revoked', async () => {
    const given = 'a-secret-of-my-own-with-40-characters-xx';
    const app = await openEdgeApp({ BOOTSTRAP_API_KEY: given });
    const keys = app.get(ApiKeys);
    expect(await keys.bootstrap()).toBeUndefined();
    expect(await keys.bootstrap()).toBeUndefined();
    const { keyId } = await keys.authenticate(given);
    await keys.create({ userId: 'admin', name: 'next', scopes: ['admin'] });
    await keys.revoke(keyId);
    await keys.bootstrap();
    await expect(keys.authenticate(given)).rejects.toMatchObject({ code: 'E007' });
    await app.close();
  });
});

describe('throttling', () => {
  let app: EdgeApp;
  beforeEach(async () => (app = await openEdgeApp({ RATE_LIMIT_REQUESTS: '3', TRUST_PROXY: '1' })));
  afterEach(() => app.close());
  const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });

  it('tells what is left on every answer', async () => {
    const key = await app.key('alice', 'read');
    const response = await app.call('/api/trial/open-to-readers', key, from('10.0.0.1'));
    expect(response.headers.get('ratelimit-limit')).toBe('3');
    expect(response.headers.get('ratelimit-remaining')).toBe('2');
    expect(Number(response.headers.get('ratelimit-reset'))).toBeGreaterThan(0);
  });

  it('limits the guessing of keys, and unknown routes, per address', async () => {
    const statuses = [];
    for (const path of ['/api/keys', '/api/nowhere', '/api/keys', '/api/keys'])
      statuses.push((await app.call(path, 'csk_guess', from('10.0.0.2'))).status);
    expect(statuses).toEqual([401, 404, 401, 429]);
    expect((await app.call('/api/keys', 'csk_guess', from('10.0.0.3'))).status).toBe(401);
  });

  it('limits a user over all of its addresses', async () => {
    const key = await app.key('alice', 'read');
    const call = (address: string, secret = key) =>
      app.call('/api/trial/open-to-readers', secret, from(address));
    for (const address of ['10.0.1.1', '10.0.1.2', '10.0.1.3'])
      expect((await call(address)).status).toBe(200);
    const refused = await call('10.0.1.4');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    expect(await bodyOf(refused)).toMatchObject({ success: false, error: { code: 'E002' } });
    expect((await call('10.0.1.4', await app.key('bob', 'read'))).status).toBe(200);
  });

  it('never refuses a probe', async () => {
    for (let n = 0; n < 6; n += 1)
      expect((await app.call('/health/live', undefined, from('10.0.2.1'))).status).toBe(200);
  });

  it('records a flood with one entry a window', async () => {
    for (let n = 0; n < 8; n += 1) await app.call('/api/nowhere', undefined, from('10.0.3.1'));
    const rows = await app.database.selectFrom('audit').select('entry').execute();
    const codes = rows.map(({ entry }) => (JSON.parse(entry) as { errorCode?: string }).errorCode);
    expect(codes).toEqual(['E009', 'E009', 'E009', 'E002']);
  });
});
