/** Bad input over real HTTP: each answers in the envelope, names the field, shows nothing of the inside. */
import { connect } from 'node:net';
import { bodyOf, type EdgeApp, openEdgeApp } from '../support/edge-app.js';

describe('errors over HTTP', () => {
  let app: EdgeApp;
  let key: string;
  beforeAll(async () => {
    app = await openEdgeApp({ BODY_MAX_BYTES: String(1024 * 1024) });
    key = await app.key('alice', 'run', 'read');
  });
  afterAll(() => app.close());

  const post = (body: string, headers: Record<string, string> = {}) =>
    app.call('/api/trial/requests', key, { method: 'POST', body, headers });
  const valid = { action: 'generate', prompt: 'hello' };
  const deep = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);

  it('takes a valid request', async () => {
    expect((await post(JSON.stringify(valid))).status).toBe(201);
  });

  it.each([
    ['an unknown field', JSON.stringify({ ...valid, promt: 'x' }), 'promt'],
    ['an unknown nested field', JSON.stringify({ ...valid, options: { timeuot: 1 } }), 'options.timeuot'],
    ['a wrong type', JSON.stringify({ ...valid, prompt: 7 }), 'prompt'],
    ['a nested wrong value', JSON.stringify({ ...valid, options: { timeout: 'soon' } }), 'options.timeout'],
    ['a missing prompt', JSON.stringify({ action: 'generate' }), 'prompt'],
    ['an array', '[]', 'action'],
    ['broken JSON', '{"action":', 'body'],
    ['a NUL in the prompt', JSON.stringify({ ...valid, prompt: 'a\0b' }), 'prompt'],
    ['a lone surrogate', '{"action":"generate","prompt":"\\ud800"}', 'prompt'],
    ['__proto__', '{"action":"generate","prompt":"x","__proto__":{"admin":true}}', '__proto__'],
    [
      'a nested __proto__',
      '{"action":"generate","prompt":"x","options":{"__proto__":{}}}',
      'options.__proto__',
    ],
    ['constructor', '{"action":"generate","prompt":"x","constructor":{"prototype":{}}}', 'constructor'],
    [
      'deep JSON in a known field',
      `{"action":"generate","prompt":"x","context":${deep(100)}}`,
      'context.a.a',
    ],
    ['deep JSON in an unknown field', `{"action":"generate","prompt":"x","z":${deep(100)}}`, 'z.a.a'],
    ['JSON too deep to be parsed', `{"action":"generate","prompt":"x","z":${deep(100_000)}}`, 'body'],
    ['deep arrays', `{"action":"generate","prompt":${'['.repeat(100)}${']'.repeat(100)}}`, 'prompt.0.0'],
    ['a body above the limit', JSON.stringify({ ...valid, prompt: 'x'.repeat(50_000_000) }), 'body'],
  ])('answers %s with E003 naming the field', async (_, body, field) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    const answer = await bodyOf(response);
    expect(answer).toMatchObject({ success: false, error: { code: 'E003' }, metadata: { executionId: '' } });
    expect(answer.error.details.map((detail: { field: string }) => detail.field)).toContain(field);
    expect(Object.prototype).not.toHaveProperty('admin');
  });

  it('answers a body above the limit that does not tell its length', async () => {
    const chunks = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(' '.repeat(500_000)));
        if ((sent += 1) === 10) controller.close();
      },
    });
    let sent = 0;
    const response = await fetch(`${app.url}/api/trial/requests`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: chunks,
      duplex: 'half',
    });
    expect(response.status).toBe(400);
    expect(await bodyOf(response)).toMatchObject({ error: { code: 'E003', details: [{ field: 'body' }] } });
  });

  it('repeats what it refuses only so far', async () => {
    const body = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`${'long'.repeat(100)}${n}`, n]));
    expect((await (await post(JSON.stringify(body))).text()).length).toBeLessThan(50_000);
  });

  it('names the action that was asked for', async () => {
    expect(await bodyOf(post(JSON.stringify({ action: 'review' })))).toMatchObject({
      action: 'review',
    });
    expect(await bodyOf(post(JSON.stringify({ action: '<script>' })))).toMatchObject({ action: '' });
  });

  it.each([
    ['an unsupported encoding', { 'content-encoding': 'rot13' }],
    ['an unsupported charset', { 'content-type': 'application/json; charset=latin1' }],
  ])('answers %s with E003', async (_, headers) => {
    const response = await post('{}', headers);
    expect(response.status).toBe(400);
    expect(await bodyOf(response)).toMatchObject({ error: { code: 'E003', details: [{ field: 'body' }] } });
  });

  it.each([
    ['/api/nowhere', 404, 'E009'],
    ['/nowhere', 404, 'E009'],
    ['/', 404, 'E009'],
    ['/health/nowhere', 404, 'E009'],
    ['/api/trial/requests/x', 404, 'E009'],
    ['/api/keys/%ff', 400, 'E003'],
  ])('answers %s in the envelope', async (path, status, code) => {
    const response = await app.call(path, key);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-request-id')).toBeTruthy();
    expect(await bodyOf(response)).toMatchObject({ success: false, action: '', error: { code } });
  });

  it('shows nothing of a defect but an id, under which the log has it', async () => {
    const response = await app.call('/api/trial/defect', key);
    expect(response.status).toBe(500);
    const text = await response.text();
    const { error } = JSON.parse(text);
    expect(error).toMatchObject({ code: 'E099', details: { errorId: expect.any(String) } });
    expect(text).not.toMatch(/secret|edge-app|node_modules/);
    const line = app.lines.find((candidate) => candidate.includes(error.details.errorId))!;
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      requestId: response.headers.get('x-request-id'),
      err: { message: expect.stringContaining('/etc/secret'), stack: expect.any(String) },
    });
    expect(line).not.toContain('csk_secret');
  });

  describe('request ids', () => {
    it('are taken over when they are safe', async () => {
      const response = await app.call('/health/live', undefined, {
        headers: { 'X-Request-Id': 'trace-1:a.b' },
      });
      expect(response.headers.get('x-request-id')).toBe('trace-1:a.b');
    });

    it.each(['with space', 'x'.repeat(129), '{"level":"fatal"}'])(
      'are made when %j was given',
      async (id) => {
        const response = await app.call('/api/nowhere', undefined, { headers: { 'X-Request-Id': id } });
        expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      },
    );

    it('stand on refusals of the body parser too', async () => {
      const response = await post('{', { 'X-Request-Id': 'parser' });
      expect(response.headers.get('x-request-id')).toBe('parser');
    });
  });

  it('only ends an event stream that breaks after it has begun', async () => {
    const response = await app.call('/api/trial/broken-stream', key);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await response.text()).toBe('data: first\n\n');
  });

  describe('what is not HTTP', () => {
    const raw = async (text: string) => {
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
      socket.end(text);
      let answer = '';
      for await (const chunk of socket.setEncoding('utf8')) answer += chunk as string;
      const [head, body] = answer.split('\r\n\r\n');
      return { head, body: JSON.parse(body ?? '') };
    };

    it.each([
      ['a line that is no request', 'hello\r\n\r\n', '400', 'is not valid HTTP'],
      [
        'headers without end',
        `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
        '431',
        'has headers that are too large',
      ],
    ])('answers %s in the envelope', async (_, text, status, problem) => {
      const { head, body } = await raw(text);
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(head).toMatch(/x-request-id: [0-9a-f-]{36}/i);
      expect(body).toMatchObject({
        success: false,
        error: { code: 'E003', details: [{ field: 'request', problem }] },
      });
    });
  });

  it('survives a client that leaves in the middle of a body', async () => {
    const { port } = new URL(app.url);
    const socket = connect(Number(port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(
      `POST /api/trial/requests HTTP/1.1\r\nHost: x\r\nX-Request-Id: left-early\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a`,
      () => socket.destroy(),
    );
    await new Promise((resolve) => socket.once('close', resolve));
    const seen = () =>
      app.lines.some((line) => line.includes('left-early') && line.includes('"msg":"request"'));
    while (!seen()) await new Promise((resolve) => setImmediate(resolve));
    expect((await post(JSON.stringify(valid))).status).toBe(201);
  });

  it('logs one line a request, without the key and the query', async () => {
    await app.call(`/api/trial/open-to-readers?token=${key}`, key, { headers: { 'X-Request-Id': 'line-1' } });
    const seen = () => app.lines.filter((line) => line.includes('line-1'));
    while (seen().length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(seen()).toHaveLength(1);
    expect(JSON.parse(seen()[0]!)).toMatchObject({
      msg: 'request',
      requestId: 'line-1',
      method: 'GET',
      path: '/api/trial/open-to-readers',
      status: 200,
      userId: 'alice',
      ms: expect.any(Number),
      bytes: expect.any(Number),
    });
    expect(app.lines.join()).not.toContain(key);
  });
});
