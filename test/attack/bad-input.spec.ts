/** Whatever is sent: the answer is an exact refusal that names the field, and nothing was done. */
import { gzipSync } from 'node:zlib';
import type { Socket } from 'socket.io-client';
import type { ErrorCode } from '../../src/errors/catalogue.js';
import type { ExecutionList } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { errorBody, fieldsOf, refusalOf } from '../support/envelope.js';
import { collectedHeapBytes } from '../support/heap.js';
import { rawCall } from '../support/raw-http.js';

const valid = { action: 'generate', prompt: 'hello' };
const deep = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);
const withContext = (context: unknown) => ({ ...valid, context });
const withOptions = (options: unknown, action = 'generate') => ({ ...valid, action, options });
const withMetadata = (metadata: unknown) => ({ ...valid, metadata });

type Row = [what: string, body: unknown, code: ErrorCode, field: string | null];

/** What a request can say wrongly, in values that JSON and socket.io both carry. */
const REQUESTS: Row[] = [
  ['an unknown field', { ...valid, promt: 'x' }, 'E003', 'promt'],
  ['an unknown field of the context', withContext({ workdir: 'x' }), 'E003', 'context.workdir'],
  ['an unknown option', withOptions({ timeuot: 5000 }), 'E003', 'options.timeuot'],
  ['an unknown field of the metadata', withMetadata({ admin: true }), 'E003', 'metadata.admin'],
  ['nothing', {}, 'E003', 'action'],
  ['a missing action', { prompt: 'x' }, 'E003', 'action'],
  ['an unknown action', { ...valid, action: 'destroy' }, 'E003', 'action'],
  ['an action that every object has', { ...valid, action: 'toString' }, 'E003', 'action'],
  ['an action that is a list', { ...valid, action: ['generate'] }, 'E003', 'action'],
  ['a missing prompt', { action: 'generate' }, 'E003', 'prompt'],
  ['an empty prompt', { ...valid, prompt: '' }, 'E003', 'prompt'],
  ['a prompt of blanks', { ...valid, prompt: ' \n\t ' }, 'E003', 'prompt'],
  ['a prompt that is null', { ...valid, prompt: null }, 'E003', 'prompt'],
  ['a prompt that is a number', { ...valid, prompt: 7 }, 'E003', 'prompt'],
  ['a prompt that is a list', { ...valid, prompt: ['x'] }, 'E003', 'prompt'],
  ['a prompt that is an object', { ...valid, prompt: { toString: 'x' } }, 'E003', 'prompt'],
  ['100 001 characters', { ...valid, prompt: 'x'.repeat(100_001) }, 'E003', 'prompt'],
  ['a NUL', { ...valid, prompt: 'a\0b' }, 'E003', 'prompt'],
  ['a NUL in the language', withContext({ language: 'c\0' }), 'E003', 'context.language'],
  ['a context that is a list', withContext([]), 'E003', 'context'],
  ['a context that is a string', withContext('src'), 'E003', 'context'],
  ['options that are a list of options', withOptions([{ timeout: 5000 }]), 'E003', 'options'],
  [
    'a working directory that is a number',
    withContext({ workingDirectory: 7 }),
    'E003',
    'context.workingDirectory',
  ],
  ['an empty working directory', withContext({ workingDirectory: '' }), 'E003', 'context.workingDirectory'],
  ['files that are a string', withContext({ files: 'a.ts' }), 'E003', 'context.files'],
  ['files that look like a list', withContext({ files: { 0: 'a.ts', length: 1 } }), 'E003', 'context.files'],
  ['a file that is no string', withContext({ files: ['a.ts', 7] }), 'E003', 'context.files'],
  ['1001 files', withContext({ files: Array.from({ length: 1001 }, () => 'a') }), 'E003', 'context.files'],
  ['a language of 101 characters', withContext({ language: 'x'.repeat(101) }), 'E003', 'context.language'],
  ['a format that does not exist', withOptions({ format: 'xml' }), 'E003', 'options.format'],
  ['a flag that is a word', withOptions({ streaming: 'yes' }), 'E003', 'options.streaming'],
  ['a timeout that is a word', withOptions({ timeout: 'soon' }), 'E003', 'options.timeout'],
  ['a timeout that is a numeral', withOptions({ timeout: '5000' }), 'E003', 'options.timeout'],
  ['a timeout below a second', withOptions({ timeout: 999 }), 'E003', 'options.timeout'],
  ['a negative timeout', withOptions({ timeout: -5000 }), 'E003', 'options.timeout'],
  ['a timeout of half milliseconds', withOptions({ timeout: 5000.5 }), 'E003', 'options.timeout'],
  ['a timeout above the limit', withOptions({ timeout: 300_001 }), 'E003', 'options.timeout'],
  ['a timeout beyond all timers', withOptions({ timeout: 2 ** 53 }), 'E003', 'options.timeout'],
  ['no tokens', withOptions({ maxTokens: 0 }), 'E003', 'options.maxTokens'],
  ['too many tokens', withOptions({ maxTokens: 10_000_001 }), 'E003', 'options.maxTokens'],
  ['an unknown model', withOptions({ model: 'gpt-9' }), 'E003', 'options.model'],
  ['a model that looks like a flag', withOptions({ model: '--help' }), 'E003', 'options.model'],
  ['an empty model', withOptions({ model: '' }), 'E003', 'options.model'],
  ['severity for generate', withOptions({ severity: 'high' }), 'E003', 'options.severity'],
  ['depth for refactor', withOptions({ depth: 2 }, 'refactor'), 'E003', 'options.depth'],
  ['fix for analyze', withOptions({ fix: true }, 'analyze'), 'E003', 'options.fix'],
  ['dryRun for review', withOptions({ dryRun: true }, 'review'), 'E003', 'options.dryRun'],
  ['a depth of 0', withOptions({ depth: 0 }, 'analyze'), 'E003', 'options.depth'],
  ['a severity that does not exist', withOptions({ severity: 'dire' }, 'review'), 'E003', 'options.severity'],
  ['a user that is a path', withMetadata({ userId: '../root' }), 'E003', 'metadata.userId'],
  ['a project that is a path', withMetadata({ projectId: '../../etc' }), 'E003', 'metadata.projectId'],
  ['a project with a NUL', withMetadata({ projectId: 'a\0' }), 'E003', 'metadata.projectId'],
  ['a project of 129 characters', withMetadata({ projectId: 'p'.repeat(129) }), 'E003', 'metadata.projectId'],
  ['a timestamp before all time', withMetadata({ timestamp: -1 }), 'E003', 'metadata.timestamp'],
  [
    'a working directory above',
    withContext({ workingDirectory: '../..' }),
    'E004',
    'context.workingDirectory',
  ],
  [
    'a working directory that climbs on its way',
    withContext({ workingDirectory: 'src/../../x' }),
    'E004',
    'context.workingDirectory',
  ],
  [
    'an absolute working directory',
    withContext({ workingDirectory: '/etc' }),
    'E004',
    'context.workingDirectory',
  ],
  [
    'a working directory of Windows',
    withContext({ workingDirectory: '..\\..\\x' }),
    'E004',
    'context.workingDirectory',
  ],
  ['a working directory that does not exist', withContext({ workingDirectory: 'nowhere' }), 'E004', null],
  [
    'a working directory with a NUL',
    withContext({ workingDirectory: 'a\0' }),
    'E003',
    'context.workingDirectory',
  ],
  [
    'a working directory with a newline',
    withContext({ workingDirectory: 'a\nb' }),
    'E003',
    'context.workingDirectory',
  ],
  [
    'a working directory that reads backwards',
    withContext({ workingDirectory: 'a\u202eb' }),
    'E003',
    'context.workingDirectory',
  ],
  ['a file above', withContext({ files: ['../secret'] }), 'E004', 'context.files[0]'],
  ['an absolute file', withContext({ files: ['/etc/passwd'] }), 'E004', 'context.files[0]'],
  ['a file on a drive', withContext({ files: ['C:\\boot.ini'] }), 'E004', 'context.files[0]'],
  ['a file that does not exist', withContext({ files: ['nowhere.ts'] }), 'E004', null],
  ['a file with a NUL', withContext({ files: ['a\0.png'] }), 'E003', 'context.files[0]'],
  ['a file name of 5000 characters', withContext({ files: ['x'.repeat(5000)] }), 'E003', 'context.files[0]'],
  ['a prompt that asks to leave', { ...valid, prompt: 'Create file at ../../etc/passwd' }, 'E006', null],
  ['another user without act-as', withMetadata({ userId: 'bob' }), 'E008', null],
];

/** What only the text of a JSON body can say. */
const BODIES: [what: string, body: string, field: string][] = [
  ['malformed JSON', '{"action":', 'body'],
  ['an empty body', '', 'action'],
  ['JSON that is a number', '7', 'body'],
  ['JSON that is null', 'null', 'body'],
  ['JSON that is a list', '[]', 'action'],
  ['a lone surrogate', '{"action":"generate","prompt":"\\ud800"}', 'prompt'],
  ['__proto__', '{"action":"generate","prompt":"x","__proto__":{"admin":true}}', '__proto__'],
  ['__proto__ inside', '{"action":"generate","prompt":"x","options":{"__proto__":{}}}', 'options.__proto__'],
  [
    'constructor',
    '{"action":"generate","prompt":"x","constructor":{"prototype":{"admin":true}}}',
    'constructor',
  ],
  ['40 levels', `{"action":"generate","prompt":"x","context":${deep(40)}}`, 'context.a.a'],
  ['100 000 levels', `{"action":"generate","prompt":"x","context":${deep(100_000)}}`, 'body'],
  ['a million levels', '['.repeat(1_000_000) + ']'.repeat(1_000_000), 'body'],
  ['100 000 lists', `{"action":"generate","prompt":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'body'],
  ['40 lists', `{"action":"generate","prompt":${'['.repeat(40)}${']'.repeat(40)}}`, 'prompt.0.0'],
  [
    '100 000 fields',
    JSON.stringify({
      ...valid,
      ...Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`f${n}`, n])),
    }),
    'body',
  ],
  [
    '15 000 files',
    `{"action":"generate","prompt":"x","context":{"files":[${'0,'.repeat(14_999)}0]}}`,
    'context.files',
  ],
  [
    'a million files',
    `{"action":"generate","prompt":"x","context":{"files":[${'0,'.repeat(999_999)}0]}}`,
    'body',
  ],
  ['a million empty fields', `{"a":[${'{},'.repeat(600_000)}{}]}`, 'body'],
  ['50 MB', JSON.stringify({ ...valid, prompt: 'x'.repeat(50_000_000) }), 'body'],
];

const HEADERS: [
  what: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  field: string,
][] = [
  [
    'an idempotency key with blanks',
    'POST',
    '/api/executions',
    { 'idempotency-key': 'a b' },
    'Idempotency-Key',
  ],
  [
    'an idempotency key of 256 characters',
    'POST',
    '/api/claude-code',
    { 'idempotency-key': 'k'.repeat(256) },
    'Idempotency-Key',
  ],
  ['an empty idempotency key', 'POST', '/api/executions', { 'idempotency-key': '' }, 'Idempotency-Key'],
  ['an unsupported encoding', 'POST', '/api/executions', { 'content-encoding': 'rot13' }, 'body'],
  [
    'an unsupported charset',
    'POST',
    '/api/executions',
    { 'content-type': 'application/json; charset=latin1' },
    'body',
  ],
  ['text as content', 'POST', '/api/executions', { 'content-type': 'text/plain' }, 'body'],
  [
    'a form as content',
    'POST',
    '/api/claude-code',
    { 'content-type': 'application/x-www-form-urlencoded' },
    'body',
  ],
];

const QUERIES: [path: string, field: string][] = [
  ['/api/executions?limit=0', 'limit'],
  ['/api/executions?limit=201', 'limit'],
  ['/api/executions?limit=all', 'limit'],
  ['/api/executions?limit=1&limit=2', 'limit'],
  ['/api/executions?limit[]=5', 'limit[]'],
  ['/api/executions?cursor=first', 'cursor'],
  ['/api/executions?cursor[$gt]=', 'cursor[$gt]'],
  ['/api/executions?status=asleep', 'status'],
  ['/api/executions?action=destroy', 'action'],
  ['/api/executions?projectId=..', 'projectId'],
  ['/api/executions?order=asc', 'order'],
  ['/api/executions?__proto__[x]=1', '__proto__[x]'],
  ["/api/executions?userId='%20OR%201=1--", 'userId'],
  ['/api/keys?limit=-1', 'limit'],
  ['/api/audit?cursor=x', 'cursor'],
  ['/api/audit?verify=maybe', 'verify'],
  ['/api/usage?from=yesterday', 'from'],
  ['/api/projects/..%2f..%2fetc/files', 'projectId'],
];

const ROUTES: [method: string, path: string, code: ErrorCode][] = [
  ['GET', '/api/claude-code', 'E009'],
  ['PATCH', '/api/executions', 'E009'],
  ['DELETE', '/api/executions', 'E009'],
  ['TRACE', '/api/executions', 'E009'],
  ['OPTIONS', '/api/executions', 'E009'],
  ['PROPFIND', '/api/executions', 'E009'],
  ['GET', '/api', 'E009'],
  ['GET', '/', 'E009'],
  ['GET', '/api/nowhere', 'E009'],
  ['GET', '/../../etc/passwd', 'E009'],
  ['GET', '/docs/../package.json', 'E009'],
  ['GET', '/docs/%2e%2e/package.json', 'E009'],
  ['GET', '/docs/..%2f..%2fpackage.json', 'E009'],
  ['GET', '/api/executions/unknown', 'E009'],
  ['GET', '/api/executions/%00', 'E009'],
  ['GET', '/api/executions/%ff', 'E003'],
  ['GET', '/api/executions/019a8b5e-7c1d-7000-8000-000000000000/events/one', 'E003'],
  ['DELETE', '/api/keys/unknown', 'E009'],
];

describe('bad input', () => {
  let caisson: Caisson;
  let alice: Caisson['admin'];
  let heapBefore: number;
  beforeAll(async () => {
    caisson = await startCaisson();
    alice = await caisson.clientOf('alice');
    heapBefore = collectedHeapBytes();
  });
  afterAll(() => caisson.clear());

  /** Nothing was made, and the server takes work. */
  const expectNothingDone = async () => {
    const { body } = await alice.get<ExecutionList>('/api/executions');
    expect(body).toEqual({ items: [] });
    expect((await alice.get('/health/ready')).status).toBe(200);
    expect({}).not.toHaveProperty('admin');
  };

  describe('over HTTP', () => {
    afterEach(expectNothingDone);

    it.each(REQUESTS)(
      '[A32] a wrong request is refused naming its field: %s',
      async (_, request, code, field) => {
        for (const path of ['/api/claude-code', '/api/executions']) {
          const error = refusalOf(await alice.call('POST', path, request));
          expect(error.code).toBe(code);
          if (field !== null) expect(fieldsOf(error)).toContain(field);
        }
      },
    );

    it.each(BODIES)('[A33] a wrong or hostile body is refused: %s', async (_, body, field) => {
      const error = refusalOf(await alice.call('POST', '/api/executions', body));
      expect(error.code).toBe('E003');
      expect(fieldsOf(error)).toContain(field);
    });

    it('[A34] a small body that unpacks to 50 MB is refused', async () => {
      const packed = gzipSync(JSON.stringify({ ...valid, prompt: 'x'.repeat(50_000_000) }));
      const response = await fetch(`${caisson.url}/api/executions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${alice.secret}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
        body: packed,
      });
      const { status, headers } = response;
      const error = refusalOf({ status, headers, body: await response.json() });
      expect(error).toMatchObject({ code: 'E003', details: [{ field: 'body' }] });
    });

    it.each(HEADERS)('[A35] a wrong header is refused: %s', async (_, method, path, headers, field) => {
      const answer = await rawCall(alice, method, path, JSON.stringify(valid), {
        'content-type': 'application/json',
        ...headers,
      });
      const error = refusalOf(answer);
      expect(error.code).toBe('E003');
      expect(fieldsOf(error)).toContain(field);
    });

    it.each(QUERIES)('[A36] a wrong query is refused, lists and nested keys too: %s', async (path, field) => {
      const error = refusalOf(await caisson.admin.get(path));
      expect(error.code).toBe('E003');
      expect(fieldsOf(error)).toContain(field);
    });

    it.each(ROUTES)('[A37] a method or path that is none is refused: %s %s', async (method, path, code) => {
      const error = refusalOf(await rawCall(caisson.admin, method, path));
      expect(error.code).toBe(code);
    });

    it('[A38] a key that does not exist, is no key, or comes twice is refused', async () => {
      const call = (headers: Record<string, string>) => fetch(`${caisson.url}/api/executions`, { headers });
      const wrong = [
        { authorization: `Bearer ${alice.secret}x` },
        { authorization: `Bearer ${alice.secret.slice(0, -1)}` },
        { authorization: alice.secret },
        { authorization: `Basic ${Buffer.from(`alice:${alice.secret}`).toString('base64')}` },
        { authorization: "Bearer ' OR 1=1--" },
        { authorization: `Bearer ${'x'.repeat(8000)}` },
        { authorization: `Bearer ${alice.secret}`, 'x-api-key': caisson.admin.secret },
        { 'x-api-key': '' },
        {},
      ];
      for (const headers of wrong) {
        const response = await call(headers as Record<string, string>);
        const error = refusalOf({
          status: response.status,
          headers: response.headers,
          body: await response.json(),
        });
        expect(error.code).toBe('E007');
      }
    });
  });

  describe('over socket.io', () => {
    let socket: Socket;
    beforeAll(async () => {
      socket = await alice.socket();
    });
    afterAll(() => alice.close());
    afterEach(expectNothingDone);

    /** The acknowledgement's error, and the same told by `claude-code-error`. */
    const refused = async (name: string, ...message: unknown[]) => {
      const told = new Promise<{ error: unknown }>((resolve) => socket.once('claude-code-error', resolve));
      const acknowledged = (await socket.emitWithAck(name, ...message)) as object;
      const { error } = acknowledged as { error: unknown };
      expect(Object.keys(acknowledged)).toEqual(['error']);
      expect((await told).error).toEqual(error);
      return errorBody.parse(error);
    };

    it.each(REQUESTS)(
      '[A39] a wrong request over socket.io is refused naming its field: %s',
      async (_, request, code, field) => {
        const error = await refused('claude-code-stream', request);
        expect(error.code).toBe(code);
        if (field !== null) expect(fieldsOf(error)).toContain(field);
      },
    );

    it.each([
      ['a number', 7],
      ['a word', 'generate'],
      ['null', null],
      ['a list', [valid]],
      ['bytes', Buffer.from(JSON.stringify(valid))],
      ['bytes as the prompt', { ...valid, prompt: Buffer.from('x') }],
      ['a thousand levels', { ...valid, context: JSON.parse(deep(1000)) as unknown }],
      ['__proto__', JSON.parse('{"action":"generate","prompt":"x","__proto__":{"admin":true}}') as unknown],
      ['constructor', { ...valid, constructor: { prototype: { admin: true } } }],
    ])('[A40] what is no message is refused over socket.io: %s', async (_, message) => {
      expect((await refused('claude-code-stream', message)).code).toBe('E003');
    });

    it('[A41] no message at all is refused over socket.io', async () => {
      expect((await refused('claude-code-stream')).code).toBe('E003');
      expect((await refused('claude-code-cancel')).code).toBe('E003');
    });

    it.each([
      ['claude-code-subscribe', { executionId: 7 }, 'executionId'],
      ['claude-code-subscribe', { executionId: 'x'.repeat(65) }, 'executionId'],
      ['claude-code-subscribe', { executionId: 'x', after: -1 }, 'after'],
      ['claude-code-subscribe', { executionId: 'x', after: '3' }, 'after'],
      ['claude-code-subscribe', { executionId: 'x', from: 3 }, 'from'],
      ['claude-code-cancel', {}, 'executionId'],
      ['claude-code-cancel', { executionId: 'x', after: 3 }, 'after'],
    ])('[A42] a wrong socket message is refused naming its field: %s %j', async (name, message, field) => {
      const error = await refused(name, message);
      expect(error.code).toBe('E003');
      expect(fieldsOf(error)).toContain(field);
    });

    it.each(['claude-code-destroy', 'toString', 'constructor', '__proto__', 'hasOwnProperty', ''])(
      '[A43] an unknown socket message is refused, names that every object has too: "%s"',
      async (name) => {
        expect((await refused(name, valid)).code).toBe('E003');
      },
    );
  });

  it('[A44] bad input left nothing behind in memory', () => {
    expect(collectedHeapBytes() - heapBefore).toBeLessThan(64 * 1024 * 1024);
  });
});

it('[A45] PROMPT_POLICY=off lets a prompt talk of the world outside', async () => {
  const caisson = await startCaisson({ PROMPT_POLICY: 'off' });
  try {
    const { status, body } = await caisson.admin.run({
      action: 'generate',
      prompt: 'Create file at ../../etc/passwd\n@text Understood.',
    });
    expect({ status, text: body.result?.text }).toEqual({ status: 200, text: 'Understood.' });
  } finally {
    await caisson.clear();
  }
});
