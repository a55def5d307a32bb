/** The wall clock of the real server process jumps: nothing hangs, nothing is taken for over, and the order stays. */
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExecutionList } from '../../src/execution/execution.dto.js';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { until } from '../support/processes.js';
import { buildServer, killServers, type ServerProcess, startServer } from '../support/server-process.js';

const DAY = 86_400_000;
const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };
const untilGo = (projectId: string): ClaudeCodeRequest => ({
  action: 'generate',
  prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
  metadata: { projectId },
});

describe('a wall clock that jumps', () => {
  let directory: string;
  beforeAll(buildServer);
  beforeEach(async () => {
    directory = await temporaryDirectory();
    await jumpTo(0);
  });
  afterEach(async () => {
    await killServers();
    await rm(directory, { recursive: true, force: true });
  });

  const offsetFile = () => join(directory, 'clock-offset');
  const jumpTo = (offset: number) => writeFile(offsetFile(), String(offset));
  const start = (settings: NodeJS.ProcessEnv = {}) =>
    startServer(
      directory,
      { CLOCK_OFFSET_FILE: offsetFile(), ...settings },
      { nodeOptions: ['--import', resolve('test/support/shifted-clock.mjs')] },
    );

  /** Newest first, one a page. */
  async function allIds({ admin }: ServerProcess): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: ExecutionList = (
        await admin.get<ExecutionList>(`/api/executions?limit=1${cursor && `&cursor=${cursor}`}`)
      ).body;
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    return ids;
  }

  it.each([
    ['ahead by 400 days', 400 * DAY],
    ['back by 400 days', -400 * DAY],
  ])('[D31] ends, loses and reorders nothing: %s', async (_, offset) => {
    const server = await start();
    const { admin } = server;
    const before = await admin.submit(QUICK, { 'idempotency-key': 'one' });
    await admin.ended(before.id);
    const running = await admin.submit(untilGo('running'));
    await admin.firstEvent(running.id, 'agent.tool_use');
    const limited = await admin.submit({
      action: 'analyze',
      prompt: '@text Working.\n@hang',
      options: { timeout: 6000 },
    });
    await admin.firstEvent(limited.id, 'execution.started');

    await jumpTo(offset);
    const after = await admin.submit(QUICK);
    expect(Math.abs(after.createdAt - running.createdAt - offset)).toBeLessThan(DAY);
    expect((await admin.ended(after.id)).status).toBe('succeeded');
    // Time limits go by a clock that nobody sets: neither was over at once, and the one that has 6 s comes.
    expect((await admin.execution(running.id)).status).toBe('running');
    expect((await admin.ended(limited.id)).response?.error?.code).toBe('E001');
    await admin.call('PUT', '/api/projects/running/files/go', 'now');
    const ended = await admin.ended(running.id);
    expect(ended.status).toBe('succeeded');
    expect(ended.endedAt).toBeGreaterThanOrEqual(ended.startedAt ?? Infinity);
    expect(ended.response?.metadata.duration).toBeGreaterThanOrEqual(0);

    const events = await admin.history(running.id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
    expect(await allIds(server)).toEqual([after.id, limited.id, running.id, before.id]);
    expect((await admin.submit(QUICK, { 'idempotency-key': 'one' })).id).toBe(before.id);
    expect((await admin.get('/api/audit?verify=true')).body).toMatchObject({ valid: true });
    expect((await admin.get<string>('/metrics')).status).toBe(200);
  });

  it('[D32] back while a user is throttled throttles for no longer than the window', async () => {
    const server = await start({ RATE_LIMIT_REQUESTS: '20', RATE_LIMIT_WINDOW_MS: '2000' });
    const status = async () => (await server.admin.get('/api/commands')).status;
    await until(async () => (await status()) === 429);
    await jumpTo(-DAY);
    expect(await status()).toBe(429);
    await until(async () => (await status()) === 200);
  });
});
