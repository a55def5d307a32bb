/** The whole server on PostgreSQL, as one process: it works, and an outage of the database is over when the outage is. */
import { rm } from 'node:fs/promises';
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { describeOnPostgres } from '../support/databases.js';
import { until } from '../support/processes.js';
import { buildServer, killServers, type ServerProcess, startServer } from '../support/server-process.js';

const QUICK: ClaudeCodeRequest = { action: 'generate', prompt: '@text Done.' };

describeOnPostgres('a server on PostgreSQL', (postgres) => {
  let directory: string;
  let settings: NodeJS.ProcessEnv;
  let server: ServerProcess;
  beforeAll(async () => {
    buildServer();
    directory = await temporaryDirectory();
    settings = { DATABASE_URL: await postgres().createDatabase() };
    server = await startServer(directory, settings);
  });
  afterAll(async () => {
    await killServers();
    await rm(directory, { recursive: true, force: true });
  });

  const readiness = async () => (await fetch(`${server.url}/health/ready`)).status;
  const submission = async () => {
    const { status, headers, body } = await server.admin.call('POST', '/api/executions', QUICK);
    return { status, code: body.error?.code, patience: Number(headers.get('retry-after')) > 0 };
  };
  const verified = async () => (await server.admin.get('/api/audit?verify=true')).body;

  it('carries out an execution, whose events have no hole', async () => {
    const { id } = await server.admin.submit(QUICK);
    expect((await server.admin.ended(id)).status).toBe('succeeded');
    const events = await server.admin.history(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(await verified()).toMatchObject({ valid: true });
  });

  it('says 503 E012 and is not ready while the database is away, and goes on when it is back', async () => {
    const { id } = await server.admin.submit({
      action: 'generate',
      prompt: '@text Working.\n@tool Bash {"command":"until [ -e go ]; do sleep 0.05; done"}\n@text Done.',
      metadata: { projectId: 'outage' },
    });
    await server.admin.firstEvent(id, 'agent.tool_use');
    await postgres().service.end('SIGINT');
    expect(await readiness()).toBe(503);
    expect(await submission()).toEqual({ status: 503, code: 'E012', patience: true });
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    await postgres().service.start();
    await until(async () => (await readiness()) === 200);
    expect((await submission()).status).toBe(202);
    expect((await server.admin.call('PUT', '/api/projects/outage/files/go', 'now')).status).toBe(201);
    const { status, attempt, response } = await server.admin.ended(id);
    expect({ status, attempt, error: response?.error }).toEqual({ status: 'succeeded', attempt: 1 });
    expect(await verified()).toMatchObject({ valid: true });
  });

  it('keeps the database to itself', async () => {
    await expect(startServer(`${directory}/other`, settings)).rejects.toThrow(
      'DATABASE_URL: another server is running on this database',
    );
  });
});
