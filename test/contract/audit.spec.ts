/** The audit over real HTTP and a real database: what is recorded, who sees it, what a manipulated chain looks like. */
import type { Kysely } from 'kysely';
import { AuditLog } from '../../src/audit/audit-log.js';
import { AuditRetention } from '../../src/audit/audit-retention.js';
import type { EgressGateway } from '../../src/egress/egress-gateway.js';
import { UnixSocketEgressGateway } from '../../src/egress/unix-socket-egress-gateway.js';
import type { Execution } from '../../src/execution/execution.js';
import type { Schema } from '../../src/persistence/schema.js';
import { bodyOf, type EdgeApp, openEdgeApp } from '../support/edge-app.js';
import { describeOnEachDatabase } from '../support/databases.js';

const execution = (more: Partial<Execution> = {}): Execution => ({
  id: '0193-execution',
  userId: 'alice',
  projectId: 'demo',
  keyId: 'key-1',
  requestId: 'request-1',
  action: 'generate',
  access: 'read-write',
  priority: 'interactive',
  engine: 'claude-code',
  model: 'rehearsal',
  request: { action: 'generate', prompt: 'the prompt nobody may read' },
  status: 'queued',
  attempt: 0,
  lastSeq: 0,
  createdAt: 1000,
  ...more,
});
const caller = {
  principal: { keyId: 'key-1', userId: 'web', scopes: ['run'] as const },
  requestId: 'request-1',
  remoteAddress: '10.0.0.1',
};
const usage = {
  rehearsal: { inputTokens: 100, outputTokens: 20, cacheCreationTokens: 3, cacheReadTokens: 4, costUsd: 0.5 },
};

describeOnEachDatabase('audit', (engine) => {
  let app: EdgeApp;
  let admin: string;
  beforeEach(async () => {
    app = await openEdgeApp(await engine.settings());
    admin = await app.key('admin', 'admin', 'read');
  });
  afterEach(() => app.close());

  const entries = async (key = admin, query = '') =>
    (await bodyOf(app.call(`/api/audit?limit=500${query}`, key))).items;
  const verify = async () => bodyOf(app.call('/api/audit?verify=true', admin));
  const accept = (more: Partial<Execution> = {}) =>
    app.database
      .transaction()
      .execute((db) =>
        app.events.emitSerial('executions.accepted', { executions: [execution(more)], caller, db }),
      );
  /** A database in which somebody has been at work behind the server's back. */
  const tamper = (work: (db: Kysely<Schema>) => Promise<unknown>) => work(app.database);

  it('records an execution from acceptance to end, and never the prompt', async () => {
    await accept();
    await app.database.transaction().execute((db) =>
      app.events.emitSerial('execution.ended', {
        execution: execution({ status: 'failed', errorCode: 'E005', startedAt: 2000, endedAt: 5000 }),
        usage,
        db,
      }),
    );
    const [ended, accepted] = await entries();
    expect(accepted).toMatchObject({
      id: 1,
      type: 'execution.accepted',
      action: 'generate',
      userId: 'alice',
      principalId: 'web',
      executionId: '0193-execution',
      promptLength: 26,
      promptSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      remoteAddress: '10.0.0.1',
      requestId: 'request-1',
    });
    expect(ended).toMatchObject({
      id: 2,
      success: false,
      errorCode: 'E005',
      duration: 3000,
      tokensUsed: 127,
    });
    expect(JSON.stringify(await app.database.selectFrom('audit').selectAll().execute())).not.toContain(
      'nobody may',
    );
  });

  it('records a connection of a sandbox, and refuses it when it cannot', async () => {
    const { events } = app.get<EgressGateway>(UnixSocketEgressGateway);
    const connection = {
      ...{ id: 'connection-1', userId: 'alice', projectId: 'demo', executionId: 'e-1' },
      ...{ asked: 'CONNECT git.example.test:443', address: '93.184.215.14', outcome: 'opened' as const },
    };
    await events.emitSerial('connection', connection);
    expect((await entries())[0]).toMatchObject({
      type: 'egress.connection',
      requestId: 'connection-1',
      action: 'CONNECT git.example.test:443',
      userId: 'alice',
      projectId: 'demo',
      executionId: 'e-1',
      dialledAddress: '93.184.215.14',
      outcome: 'opened',
      success: true,
    });
    await tamper((db) => db.schema.dropTable('audit').execute());
    await expect(events.emitSerial('connection', connection)).rejects.toThrow();
  });

  it('takes an entry back with the transaction it was part of', async () => {
    const failing = app.database.transaction().execute(async (db) => {
      await app.events.emitSerial('executions.accepted', { executions: [execution()], caller, db });
      throw new Error('the row could not be written');
    });
    await expect(failing).rejects.toThrow('the row');
    await accept();
    expect(await verify()).toMatchObject({ valid: true, entries: 1 });
  });

  it('records a call that changes something before it is done, and its end', async () => {
    const body = JSON.stringify({ userId: 'bob', name: 'n', scopes: ['read'] });
    const response = await app.call('/api/keys', admin, { method: 'POST', body });
    const { id } = await bodyOf(response);
    await app.call(`/api/keys/${id}`, admin, { method: 'DELETE' });
    const seen = (await entries()).map(({ type, action, success }: Record<string, unknown>) => [
      type,
      action,
      success,
    ]);
    expect(seen).toEqual([
      ['call.ended', `DELETE /api/keys/${id}`, true],
      ['call.accepted', `DELETE /api/keys/${id}`, undefined],
      ['call.ended', 'POST /api/keys', true],
      ['call.accepted', 'POST /api/keys', undefined],
    ]);
  });

  it('leaves the calls that are recorded with their execution to it', async () => {
    const key = await app.key('alice', 'run');
    const body = JSON.stringify({ action: 'generate', prompt: 'x' });
    expect((await app.call('/api/trial/requests', key, { method: 'POST', body })).status).toBe(201);
    expect(await entries()).toEqual([]);
  });

  it('records every refused call', async () => {
    const key = await app.key('alice', 'read');
    const headers = { 'X-Request-Id': 'refused-1' };
    await app.call('/api/keys?secret=csk_in_a_query', 'csk_wrong', { headers });
    await app.call('/api/keys', key);
    await app.call('/api/keys/none', admin, { method: 'DELETE' });
    await app.call('/nowhere');
    await app.call('/api/trial/requests', admin, { method: 'POST', body: '{' });
    const refused = (await entries())
      .filter(({ type }: { type: string }) => type === 'call.refused')
      .reverse();
    expect(
      refused.map((entry: Record<string, unknown>) => [entry.action, entry.errorCode, entry.userId]),
    ).toEqual([
      ['GET /api/keys', 'E007', undefined],
      ['GET /api/keys', 'E008', 'alice'],
      ['DELETE /api/keys/none', 'E009', 'admin'],
      ['GET /nowhere', 'E009', undefined],
      ['POST /api/trial/requests', 'E003', undefined],
    ]);
    expect(refused[0]).toMatchObject({ requestId: 'refused-1', remoteAddress: '127.0.0.1', success: false });
    expect(await verify()).toMatchObject({ valid: true });
  });

  it('keeps no key that stood in a path, and no endless path', async () => {
    const secret = await app.key('alice', 'read');
    await app.call(`/api/keys/${secret}`);
    await app.call(`/${'x'.repeat(10_000)}`);
    const [long, keyed] = await entries();
    expect(keyed.action).toBe('GET /api/keys/[redacted]');
    expect(long.action).toHaveLength(512);
    expect(await verify()).toMatchObject({ valid: true, entries: 2 });
  });

  it('shows users their own entries only, and the check to administrators only', async () => {
    await accept();
    await accept({ userId: 'bob' });
    const key = await app.key('alice', 'read');
    expect((await entries(key)).map(({ userId }: { userId: string }) => userId)).toEqual(['alice']);
    expect(await entries()).toHaveLength(2);
    expect((await app.call('/api/audit?verify=true', key)).status).toBe(403);
  });

  it('is listed page by page, newest first, within a time', async () => {
    for (let n = 0; n < 5; n += 1) await accept();
    const page = async (query: string) => bodyOf(app.call(`/api/audit?limit=2${query}`, admin));
    const first = await page('');
    const second = await page(`&cursor=${first.nextCursor}`);
    const third = await page(`&cursor=${second.nextCursor}`);
    const ids = [first, second, third].flatMap(({ items }) => items.map(({ id }: { id: number }) => id));
    expect(ids).toEqual([5, 4, 3, 2, 1]);
    expect(third.nextCursor).toBeUndefined();
    expect(await entries(admin, `&to=${first.items[0].at - 60_000}`)).toEqual([]);
    expect((await app.call('/api/audit?cursor=x', admin)).status).toBe(400);
  });

  describe('that cannot be written', () => {
    beforeEach(() => tamper((db) => db.schema.alterTable('audit').renameTo('gone').execute()));

    it('refuses an execution', async () => {
      await expect(accept()).rejects.toMatchObject({ code: 'E012' });
    });

    it('refuses any other call that changes something, before it is done', async () => {
      const body = JSON.stringify({ userId: 'bob', name: 'unrecorded', scopes: ['read'] });
      const response = await app.call('/api/keys', admin, { method: 'POST', body });
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBeTruthy();
      expect(await bodyOf(response)).toMatchObject({ success: false, error: { code: 'E012' } });
      const keys = await app.database.selectFrom('apiKeys').select('name').execute();
      expect(keys.map(({ name }) => name)).not.toContain('unrecorded');
    });

    it('still answers refusals', async () => {
      expect((await app.call('/api/keys', 'csk_wrong')).status).toBe(401);
      expect(app.lines.some((line) => line.includes('a refusal could not be recorded'))).toBe(true);
    });
  });

  describe('verification', () => {
    beforeEach(async () => {
      for (let n = 0; n < 6; n += 1) await accept({ id: `execution-${n}` });
    });

    it('finds an untouched chain valid', async () => {
      expect(await verify()).toEqual({
        valid: true,
        entries: 6,
        head: { id: 6, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      });
    });

    const edit = (id: number, values: Record<string, unknown>) => (db: Kysely<Schema>) =>
      (db as unknown as Kysely<{ audit: Record<string, unknown> }>)
        .updateTable('audit')
        .set(values)
        .where('id', '=', id)
        .execute();

    it.each<[string, number, (db: Kysely<Schema>) => Promise<unknown>]>([
      ['an edited entry', 3, edit(3, { entry: '{"at":1,"type":"call.refused"}' })],
      ['an edited hash', 4, edit(4, { hash: 'f'.repeat(64) })],
      ['a user column that says something else', 2, edit(2, { userId: 'mallory' })],
      ['a time column that says something else', 5, edit(5, { at: 1 })],
      ['a removed entry', 3, (db) => db.deleteFrom('audit').where('id', '=', 3).execute()],
      ['a removed first entry', 1, (db) => db.deleteFrom('audit').where('id', '=', 1).execute()],
      ['a removed last entry', 6, (db) => db.deleteFrom('audit').where('id', '=', 6).execute()],
      ['an emptied log', 1, (db) => db.deleteFrom('audit').execute()],
      [
        'two entries that changed places',
        2,
        async (db) => {
          for (const [from, to] of [
            [2, 99],
            [3, 2],
            [99, 3],
          ] as const)
            await edit(from, { id: to })(db);
        },
      ],
      [
        'an entry put at the end',
        7,
        (db) =>
          db
            .insertInto('audit')
            .values({ id: 7, at: 1, entry: '{"at":1}', hash: 'a'.repeat(64), userId: null })
            .execute(),
      ],
    ])('finds %s', async (_, brokenAt, work) => {
      await tamper(work);
      expect(await verify()).toMatchObject({ valid: false, brokenAt, entries: brokenAt - 1 });
    });

    it('finds a valid chain while entries are being appended and swept', async () => {
      const log = app.get(AuditLog);
      const writing = Promise.all(Array.from({ length: 50 }, () => accept()));
      const results = await Promise.all([
        log.verify(),
        log.sweep(Date.now() + 1000),
        log.verify(),
        log.verify(),
      ]);
      await writing;
      for (const result of [results[0], results[2], results[3]]) expect(result.valid).toBe(true);
    });

    it('still holds after old entries were swept', async () => {
      const log = app.get(AuditLog);
      const cutoff = Date.now() + 1;
      while (Date.now() < cutoff) await new Promise((resolve) => setImmediate(resolve));
      await accept({ id: 'new' });
      expect(await log.sweep(cutoff)).toBe(6);
      expect(await log.sweep(cutoff)).toBe(0);
      expect(await verify()).toMatchObject({ valid: true, entries: 1, head: { id: 7 } });
      await tamper((db) => db.deleteFrom('audit').execute());
      expect(await verify()).toMatchObject({ valid: false, brokenAt: 7 });
    });

    it('sweeps what is older than AUDIT_RETENTION_DAYS', async () => {
      const sweepAfter = (days: number) => app.get(AuditRetention).sweep(Date.now() + days * 86_400_000);
      await sweepAfter(399);
      expect(await app.get(AuditLog).verify()).toMatchObject({ valid: true, entries: 6 });
      await sweepAfter(401);
      expect(await app.get(AuditLog).verify()).toMatchObject({ valid: true, entries: 0, head: { id: 6 } });
    });

    it('never sweeps a broken segment away', async () => {
      await tamper((db) => db.deleteFrom('audit').where('id', '=', 2).execute());
      await expect(app.get(AuditLog).sweep(Date.now() + 1000)).rejects.toThrow('broken at 2');
      expect(await verify()).toMatchObject({ valid: false, brokenAt: 2 });
    });
  });
});
