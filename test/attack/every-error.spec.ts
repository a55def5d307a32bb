/** Every error of the catalogue can be met: those that need little are met here, the rest where they belong. */
import { readFileSync } from 'node:fs';
import { io } from 'socket.io-client';
import type { ClaudeCodeResponse } from '../../src/commands/claude-code-response.js';
import { ERROR_CATALOGUE, type ErrorCode } from '../../src/errors/catalogue.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { errorBody, refusalOf } from '../support/envelope.js';

const HERE = 'test/attack/every-error.spec.ts';

/** Where each code is met, and words of the test that meets it. */
const MET_IN = {
  E001: [HERE, 'E001 when the time limit ends it'],
  E002: [HERE, 'E002 above the rate limit'],
  E003: ['test/attack/bad-input.spec.ts', 'an unknown field'],
  E004: ['test/attack/bad-input.spec.ts', 'a working directory above'],
  E005: [HERE, 'E005 when the model fails'],
  E006: ['test/attack/bad-input.spec.ts', 'a prompt that asks to leave'],
  E007: ['test/attack/access-walk.spec.ts', 'without a key'],
  E008: ['test/attack/access-walk.spec.ts', 'without a scope'],
  E009: ['test/attack/foreign-executions.spec.ts', "somebody else's execution"],
  E010: [HERE, 'E010 for an idempotency key with another request'],
  E011: [HERE, 'E011 when the tokens of the request are used up'],
  E012: [HERE, 'E012 when the queue is full'],
  E013: [HERE, 'E013 when the caller cancels'],
  E014: ['test/fault/kill.spec.ts', 'E014'],
  E015: ['test/fault/broken-cli.spec.ts', 'E015'],
  E099: ['test/contract/errors.spec.ts', 'E099'],
} as const satisfies Record<ErrorCode, readonly [file: string, words: string]>;

it.each(Object.entries(MET_IN))(
  '[A50] every error of the catalogue is met by a test: %s in %j',
  (_, [file, words]) => {
    expect(readFileSync(file, 'utf8')).toContain(words);
  },
);

describe('errors of an execution', () => {
  let caisson: Caisson;
  beforeAll(async () => {
    caisson = await startCaisson({ UPSTREAM_RETRIES: '0', CLAUDE_CODE_MAX_CONCURRENT: '1', QUEUE_MAX: '1' });
  });
  afterAll(async () => {
    caisson.admin.close();
    await caisson.clear();
  });

  /** The same request over HTTP and over socket.io: the same error with the status of its code, and the same end. */
  const failsWith = async (code: ErrorCode, prompt: string, options = {}) => {
    const request = { action: 'generate' as const, prompt, options };
    const { status, body } = await caisson.admin.run(request);
    expect({ status, code: body.error?.code }).toEqual({ status: ERROR_CATALOGUE[code].status, code });
    expect(body).toMatchObject({
      success: false,
      metadata: { executionId: expect.stringMatching(/^[\da-f-]{36}$/) },
    });
    const socket = await caisson.admin.socket();
    const told = new Promise<{ error: unknown }>((resolve) => socket.once('claude-code-error', resolve));
    const complete = new Promise<{ exitCode: number; response: ClaudeCodeResponse }>((resolve) =>
      socket.once('claude-code-complete', resolve),
    );
    await socket.emitWithAck('claude-code-stream', request);
    const { exitCode, response } = await complete;
    expect(exitCode).not.toBe(0);
    expect(response.error?.code).toBe(code);
    expect((await told).error).toEqual(response.error);
    return errorBody.parse(body.error);
  };

  it('[A51] E001 when the time limit ends it', async () => {
    await failsWith('E001', '@hang', { timeout: 1500 });
  });

  it('[A52] E005 when the model fails', async () => {
    await failsWith('E005', '@status 500');
  });

  it('[A53] E002 when the model is overrun', async () => {
    await failsWith('E002', '@status 429 retry-after 7');
  });

  it('[A54] E011 when the tokens of the request are used up', async () => {
    await failsWith('E011', '@deltas 100\n@tool Bash {"command":"true"}\n@deltas 100', { maxTokens: 20 });
  });

  it('[A55] E010 for an idempotency key with another request', async () => {
    const request = { action: 'generate' as const, prompt: '@text once' };
    const headers = { 'idempotency-key': 'the-same' };
    const first = await caisson.admin.submit(request, headers);
    expect((await caisson.admin.submit(request, headers)).id).toBe(first.id);
    const other = { ...request, prompt: '@text twice' };
    expect(refusalOf(await caisson.admin.call('POST', '/api/executions', other, headers)).code).toBe('E010');
    await caisson.admin.ended(first.id);
  });

  describe('with one running and one waiting', () => {
    let running: string;
    let waiting: string;
    let answer: ReturnType<Client['run']>;
    beforeAll(async () => {
      running = (await caisson.admin.submit({ action: 'generate', prompt: '@hang' })).id;
      await caisson.admin.firstEvent(running, 'execution.started');
      answer = caisson.admin.run({ action: 'generate', prompt: '@hang' }, { 'idempotency-key': 'waits' });
      for (waiting = ''; waiting === '';)
        waiting =
          (await caisson.admin.get<{ items: { id: string }[] }>('/api/executions?status=queued')).body
            .items[0]?.id ?? '';
    });

    it('[A56] E012 when the queue is full', async () => {
      const request = { action: 'generate', prompt: 'one too many' };
      for (const path of ['/api/claude-code', '/api/executions'])
        expect(refusalOf(await caisson.admin.call('POST', path, request)).code).toBe('E012');
      const socket = await caisson.admin.socket();
      expect(await socket.emitWithAck('claude-code-stream', request)).toMatchObject({
        error: { code: 'E012' },
      });
    });

    it('[A57] E013 when the caller cancels', async () => {
      const socket = await caisson.admin.socket();
      const complete = new Promise<object>((resolve) => socket.once('claude-code-complete', resolve));
      await socket.emitWithAck('claude-code-subscribe', { executionId: running });
      await caisson.admin.call('POST', `/api/executions/${waiting}/cancel`);
      expect(await answer).toMatchObject({ status: 409, body: { success: false, error: { code: 'E013' } } });
      expect(await socket.emitWithAck('claude-code-cancel', { executionId: running })).toEqual({
        executionId: running,
      });
      expect(await complete).toMatchObject({ exitCode: 130, response: { error: { code: 'E013' } } });
    });
  });
});

it('[A58] E002 above the rate limit', async () => {
  const caisson = await startCaisson({ RATE_LIMIT_REQUESTS: '3', RATE_LIMIT_WINDOW_MS: '600000' });
  try {
    const call = () => caisson.admin.get('/api/executions');
    for (let n = 0; n < 3; n++) expect((await call()).status).toBe(200);
    const refused = await call();
    expect(refusalOf(refused).code).toBe('E002');
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(600);
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    await expect(caisson.admin.socket()).rejects.toMatchObject({ data: { code: 'E002' } });
  } finally {
    caisson.admin.close();
    await caisson.clear();
  }
});

describe.each([
  ['believes the proxy in front', '1', ['connected', 'connected', 'connected']],
  ['believes nobody', '0', ['connected', 'connected', 'E002']],
])('a server that %s', (_, TRUST_PROXY, outcomes) => {
  it('[A59] sockets are counted by the address that is theirs', async () => {
    const caisson = await startCaisson({
      TRUST_PROXY,
      RATE_LIMIT_REQUESTS: '2',
      RATE_LIMIT_WINDOW_MS: '600000',
    });
    try {
      const found = [];
      for (const address of ['1.1.1.1', '1.1.1.1', '2.2.2.2'])
        found.push(await connectionFrom(caisson, address));
      expect(found).toEqual(outcomes);
      expect(await connectionFrom(caisson, '6.6.6.6, 1.1.1.1')).toBe('E002');
    } finally {
      await caisson.clear();
    }
  });
});

/** What becomes of a socket that came through a proxy: `connected`, or the code of its refusal. */
async function connectionFrom({ url, admin }: Caisson, address: string): Promise<string> {
  const socket = io(url, {
    auth: { token: admin.secret },
    extraHeaders: { 'x-forwarded-for': address },
    forceNew: true,
    reconnection: false,
  });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('connect_error', (error) =>
        resolve(errorBody.parse((error as { data?: unknown }).data).code),
      );
    });
  } finally {
    socket.disconnect();
  }
}
