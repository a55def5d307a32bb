/** Somebody else's execution is, to the last byte, one that does not exist. */
import type { Socket } from 'socket.io-client';
import type { ExecutionList } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { refusalOf } from '../support/envelope.js';

const UNKNOWN = '019a8b5e-7c1d-7000-8000-000000000000';
/** Of the moment, not of what was asked for. */
const MOMENTARY = /^(x-request-id|date|ratelimit-)/;

describe("somebody else's execution", () => {
  let caisson: Caisson;
  let bob: Client;
  let theirs: string;
  beforeAll(async () => {
    caisson = await startCaisson();
    const alice = await caisson.clientOf('alice');
    bob = await caisson.clientOf('bob');
    const { body } = await alice.run({ action: 'generate', prompt: '@text Mine alone.' });
    theirs = body.metadata.executionId;
    expect((await alice.execution(theirs)).status).toBe('succeeded');
  });
  afterAll(async () => {
    bob.close();
    await caisson.clear();
  });

  const answerTo = async (method: string, path: string, headers: Record<string, string>) => {
    const response = await fetch(bob.url + path, {
      method,
      headers: { authorization: `Bearer ${bob.secret}`, ...headers },
    });
    const text = await response.text();
    refusalOf({ status: response.status, headers: response.headers, body: JSON.parse(text) });
    return {
      status: response.status,
      text,
      headers: [...response.headers].filter(([name]) => !MOMENTARY.test(name)),
    };
  };

  it.each([
    ['GET', '', {}],
    ['GET', '/events', {}],
    ['GET', '/events?after=1', {}],
    ['GET', '/events', { 'last-event-id': '1' }],
    ['GET', '/events', { accept: 'text/event-stream' }],
    ['GET', '/events/1', {}],
    ['GET', '/changes', {}],
    ['GET', '/changes', { accept: 'text/x-diff' }],
    ['GET', '/changes', { accept: 'application/x-tar' }],
    ['POST', '/cancel', {}],
    ['POST', '/apply', {}],
    ['POST', '/revert', {}],
  ])(
    "[A07] somebody else's execution is answered like an unknown one: %s %s %j",
    async (method, suffix, headers) => {
      const answers = [];
      for (const id of [theirs, UNKNOWN])
        answers.push(await answerTo(method, `/api/executions/${id}${suffix}`, headers));
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]?.status).toBe(404);
    },
  );

  it.each(['claude-code-subscribe', 'claude-code-cancel'])(
    "[A60] somebody else's execution is unknown over socket.io: %s",
    async (name) => {
      const socket: Socket = await bob.socket();
      const heard: unknown[] = [];
      socket.on('claude-code-data', (event) => heard.push(event));
      const answers = [];
      for (const executionId of [theirs, UNKNOWN])
        answers.push(await socket.emitWithAck(name, { executionId }));
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ error: { code: 'E009' } });
      expect(heard).toEqual([]);
    },
  );

  it("[A61] somebody else's execution stands in no list", async () => {
    expect((await bob.get<ExecutionList>('/api/executions')).body).toEqual({ items: [] });
    expect(refusalOf(await bob.get('/api/executions?userId=alice')).code).toBe('E008');
    expect((await bob.get<ExecutionList>(`/api/executions?cursor=${theirs}`)).body).toEqual({ items: [] });
  });

  it('[A62] a project of the same name is another workspace', async () => {
    const alice = await caisson.clientOf('alice');
    await alice.call('PUT', '/api/projects/shared/files/mine.txt', 'mine');
    const path = '/api/projects/shared/files';
    expect((await bob.get(path)).body).toEqual({ items: [] });
    expect(refusalOf(await bob.get(`${path}/mine.txt`)).code).toBe('E009');
    expect(refusalOf(await bob.get(`${path}/mine.txt?userId=alice`)).code).toBe('E008');
    expect(refusalOf(await bob.call('PUT', `${path}/mine.txt?userId=alice`, 'planted')).code).toBe('E008');
  });
});
