/** A database that somebody else holds, and an audit that cannot be written: what is refused, what waits, what goes on. */
import { globSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Client } from '../support/client.js';
import { until } from '../support/processes.js';
import { buildServer, killServers, type ServerProcess, startServer } from '../support/server-process.js';

const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };
const untilGo = (projectId: string): ClaudeCodeRequest => ({
  action: 'generate',
  prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
  metadata: { projectId },
});

describe('the database of a running server', () => {
  let directory: string;
  let server: ServerProcess;
  let other: DatabaseSync;
  beforeAll(async () => {
    buildServer();
    directory = await temporaryDirectory();
    server = await startServer(directory);
    other = new DatabaseSync(join(directory, 'data', 'caisson.db'), { timeout: 5000 });
  });
  afterAll(async () => {
    other.close();
    await killServers();
    await rm(directory, { recursive: true });
  });

  const verified = async () => (await server.admin.get('/api/audit?verify=true')).body;
  const complaints = (text: string) => server.output().split(text).length - 1;
  const submission = async () => {
    const { status, headers, body } = await server.admin.call('POST', '/api/executions', QUICK);
    return { status, code: body.error?.code, patience: Number(headers.get('retry-after')) > 0 };
  };

  it('[D26] held by another process for some seconds interrupts no execution', async () => {
    const { id } = await server.admin.submit({
      action: 'generate',
      prompt: '@deltas 60 every 20ms of "tick "\n@text Done.',
    });
    await server.admin.firstEvent(id, 'agent.text');
    other.exec('BEGIN IMMEDIATE');
    const held = performance.now();
    await until(() => performance.now() - held > 1500);
    other.exec('COMMIT');
    const ended = await server.admin.ended(id);
    expect(ended).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(ended.response?.result?.text?.match(/tick/g)).toHaveLength(60);
  });

  it('[D27] held for long refuses new work with 503 E012, answers reads, and takes ends when it is free', async () => {
    const running = await server.admin.submit(untilGo('held'));
    await server.admin.firstEvent(running.id, 'agent.tool_use');
    const history = server.admin.history(running.id);
    other.exec('BEGIN IMMEDIATE');
    expect(await submission()).toEqual({ status: 503, code: 'E012', patience: true });
    expect((await server.admin.execution(running.id)).status).toBe('running');
    // Not through the API, which cannot record the call now.
    for (const workspace of globSync(`${directory}/data/workspaces/*`))
      writeFileSync(join(workspace, 'go'), '');
    // The agent's next event waits for five seconds, then the execution is at its end; that waits for as long as it takes.
    const before = complaints('the end could not be written');
    await until(() => complaints('the end could not be written') > before + 1);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    other.exec('COMMIT');

    const events = await history;
    expect(events.at(-1)?.data).toMatchObject({ status: 'failed', response: { error: { code: 'E012' } } });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect((await submission()).status).toBe(202);
    expect(await verified()).toMatchObject({ valid: true });
  });

  it('[D28] whose audit cannot be written refuses what changes anything, lets what runs work, and ends it afterwards', async () => {
    const { id } = await server.admin.submit(untilGo('audited'));
    await server.admin.firstEvent(id, 'agent.tool_use');
    await server.admin.call('PUT', '/api/projects/audited/files/other', 'x');
    const before = complaints('the end could not be written');
    other.exec(`CREATE TRIGGER audit_full BEFORE INSERT ON audit WHEN NEW.entry NOT LIKE '%files/go%'
      BEGIN SELECT RAISE(ABORT, 'no audit'); END`);
    expect(await submission()).toMatchObject({ status: 503, code: 'E012' });
    const cancel = await server.admin.call('POST', `/api/executions/${id}/cancel`);
    expect({ status: cancel.status, code: cancel.body.error?.code }).toEqual({ status: 503, code: 'E012' });
    const unknown = await fetch(`${server.url}/api/executions`, { headers: { 'x-api-key': 'none' } });
    expect(unknown.status).toBe(401);
    const noSuch = new Client(server.url, 'none');
    await expect(noSuch.socket()).rejects.toMatchObject({ data: { code: 'E007' } });
    await server.admin.call('PUT', '/api/projects/audited/files/go', 'now');
    await until(() => complaints('the end could not be written') > before);
    expect((await server.admin.execution(id)).response).toBeUndefined();

    other.exec('DROP TRIGGER audit_full');
    expect((await server.admin.ended(id)).status).toBe('succeeded');
    const events = await server.admin.history(id);
    expect(events.filter(({ type }) => type === 'execution.finished')).toHaveLength(1);
    expect((await submission()).status).toBe(202);
    expect(await verified()).toMatchObject({ valid: true });
  });
});
