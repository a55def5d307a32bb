/** What a caller writes stays one line of the log, seen for what it is, without the key that was in it, and in no label. */
import { Writable } from 'node:stream';
import pretty from 'pino-pretty';
import { Config } from '../../src/config/config.js';
import { Log } from '../../src/logging/log.js';
import { bodyOf, type EdgeApp, openEdgeApp } from '../support/edge-app.js';
import { until } from '../support/processes.js';
import { answersIn, sendRaw } from '../support/raw-socket.js';

/** Line ends, commands to a terminal in both forms, marks that turn text around or hide it. */
const HOSTILE = 'a\nfake line\r\u001b[2J\u009b31m\u0007\u202egpj\u2066x\u2028y\u200bz\u007f';
const UNSEEN = /[^\P{Cc}\n]|[\u200b-\u200f\u2028-\u202e\u2060-\u2069]/u;
const KEY = `csk_${'k'.repeat(43)}`;

describe('the log', () => {
  let app: EdgeApp;
  let key: string;
  beforeAll(async () => {
    app = await openEdgeApp();
    key = await app.key('alice', 'run', 'read', 'admin');
  });
  afterAll(() => app.close());

  it('[L01] what a caller writes into paths, headers and names is one line each, without controls', async () => {
    const before = app.lines.length;
    const path = `/api/${encodeURIComponent(HOSTILE)}`;
    for (const id of [HOSTILE, '\u001b[31m', '"}\n{"level":"fatal"'])
      await sendRaw(
        app.url,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${Buffer.from(id.replaceAll(/[\r\n]/g, '')).toString('latin1')}\r\nUser-Agent: \u009b31m\r\nConnection: close\r\n\r\n`,
      );
    await app.call(path, key);
    await app.call('/api/keys', key, {
      method: 'POST',
      body: JSON.stringify({ userId: HOSTILE, name: HOSTILE, scopes: ['read'] }),
    });
    await until(() => app.lines.length > before + 1);
    for (const line of app.lines.slice(before)) {
      expect(line.trimEnd()).not.toContain('\n');
      expect(line).not.toMatch(UNSEEN);
      expect(JSON.parse(line)).toMatchObject({ level: expect.stringMatching(/^(info|warn|error)$/) });
    }
  });

  it.each([
    ['as JSON', false],
    ['for people at a terminal', true],
  ])('[L20] a text with line ends and commands to a terminal is shown as text: %s', (_, forPeople) => {
    const chunks: string[] = [];
    const sink = new Writable({
      write: (chunk, _encoding, done) => {
        chunks.push(String(chunk));
        done();
      },
    });
    const destination = forPeople
      ? pretty({ sync: true, colorize: false, destination: sink })
      : { write: (line: string) => void chunks.push(line) };
    const log = new Log(Config.from({}), destination, forPeople);
    log.warn({ path: HOSTILE, err: new Error(HOSTILE), [HOSTILE]: 1 }, HOSTILE);
    const written = chunks.join('');
    expect(written).not.toMatch(UNSEEN);
    expect(written).toContain('fake line');
    for (const line of written.split('\n')) expect(line).not.toMatch(/^fake line/);
  });

  it.each<[string, unknown]>([
    ['headers', { request: { headers: { 'x-api-key': KEY, authorization: `Bearer ${KEY}` } } }],
    ['raw headers', { rawHeaders: ['Authorization', 'Basic YWxpY2U6c2VjcmV0LXZhbHVl'] }],
    ['a URL with a password', new Error('connect ECONNREFUSED postgres://caisson:secret-value@db:5432/x')],
    ['a URL with a key', new Error('GET https://x.example/y?a=1&api_key=secret-value&b=2 failed')],
    ['a cause', new Error('outer', { cause: new Error(`inner ${KEY}`) })],
    ['an aggregate', new AggregateError([new Error(`token=x Bearer ${KEY}`)], 'all failed')],
    ['a configured secret', Object.assign(new Error('x'), { options: { password: 'configured-value-1' } })],
  ])('[L04] an error that a library dumps with its secrets is logged without them: %s', (_, err) => {
    const lines: string[] = [];
    const config = Config.from({ REDACT_VALUES: 'configured-value-1' });
    const log = new Log(config, { write: (line: string) => void lines.push(line) });
    log.error({ err }, 'it failed');
    if (!(err instanceof Error)) log.error(err, 'it failed');
    expect(lines.join('')).toContain('it failed');
    expect(lines.join('')).not.toMatch(/csk_k|secret-value|YWxpY2U6|configured-value/);
    for (const line of lines) expect(() => void JSON.parse(line)).not.toThrow();
  });

  it('[L21] random paths, methods, actions and codes add no series to the metrics', async () => {
    const series = async () =>
      (await (await app.call('/metrics', key)).text())
        .split('\n')
        .filter((line) => /^(claude_code|caisson)_/.test(line)).length;
    const odd = async (n: number) => {
      await app.call(`/api/path-${n}`, key);
      await app.call(`/api/executions/${n}`, undefined, { method: 'PUT' });
      await app.call('/api/trial/requests', key, { method: 'POST', body: `{"action":"action-${n}"}` });
      await sendRaw(app.url, `METHOD${n} / HTTP/1.1\r\nHost: x\r\n\r\n`);
      await app.gateway.answers.emit('answer', { status: 500 + n, durationMs: 1, firstByteMs: 1 });
    };
    // One of each class, and the statuses that have a series of their own.
    for (const n of [0, 2, 29]) await odd(n);
    await until(async () => (await series()) > 0);
    const before = await series();
    for (let n = 1; n < 30; n += 1) await odd(n);
    expect(await series()).toBe(before);
  });

  it('[A06] a token that looks like a JWT is no key, whatever it says', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const head of [
      { alg: 'none' },
      { alg: 'HS256', kid: '../../dev/null' },
      { alg: 'RS256', jku: 'http://x' },
    ])
      for (const signature of ['', 'c2lnbmVk']) {
        const token = `${part(head)}.${part({ sub: 'admin', scopes: ['admin'], exp: 9e9 })}.${signature}`;
        const response = await app.call('/api/keys', token);
        expect(response.status).toBe(401);
        expect(await bodyOf(response)).toMatchObject({ error: { code: 'E007' } });
      }
  });

  it('[L02] no method changes the audit over the API, and its chain verifies', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      for (const path of ['/api/audit', '/api/audit/1'])
        expect((await app.call(path, key, { method })).status).toBe(404);
    expect(await bodyOf(app.call('/api/audit?verify=true', key))).toMatchObject({ valid: true });
  });

  it('[L03] what cannot be recorded is not done', async () => {
    const body = JSON.stringify({ userId: 'bob', name: 'unrecorded', scopes: ['read'] });
    await app.database.schema.alterTable('audit').renameTo('gone').execute();
    try {
      expect((await app.call('/api/keys', key, { method: 'POST', body })).status).toBe(503);
    } finally {
      await app.database.schema.alterTable('gone').renameTo('audit').execute();
    }
    expect(JSON.stringify(await bodyOf(app.call('/api/keys', key)))).not.toContain('unrecorded');
    expect(
      answersIn(await sendRaw(app.url, 'GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')),
    ).toMatchObject([{ status: 200 }]);
  });
});
