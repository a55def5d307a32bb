/** The keys of the server are searched for wherever a sandbox, a client or a disk could have them; only the model may. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  request as ask,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClaudeCodeRequest, CommandAction } from '../../src/commands/claude-code-request.js';
import { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Client } from '../support/client.js';
import { buildServer, killServers, type ServerProcess, startServer } from '../support/server-process.js';

const MODEL_KEY = 'sk-ant-canary-0123456789-of-the-model';
const ADMIN_KEY = 'canary-0123456789-of-the-first-admin';
const ENVIRONMENT = 'canary-0123456789-of-the-environment';
const CANARIES = [MODEL_KEY, ADMIN_KEY, ENVIRONMENT];
/** What a search for is made of; the searching script must not hold what it searches. */
const TRACE = 'canary-0123456789';
const ENCODED = CANARIES.flatMap((canary) => [
  Buffer.from(canary).toString('base64').replace(/=+$/, ''),
  Buffer.from(canary).toString('hex'),
]);

/** Looks into everything that a sandbox has, and keeps what it found in the workspace too. */
const SEARCH = [
  'env',
  'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/self/mountinfo /proc/net/unix',
  'cat /proc/[0-9]*/task/*/environ',
  'ls -lR /run /home /opt /tmp',
  'grep -raoh "canary.[0-9]\\{10\\}[a-z-]*" /workspace /home /tmp /etc /run /opt /var /dev/shm --exclude=claude',
  'for path in /v1/models /v1/messages /metrics /; do exec 3<>/dev/tcp/127.0.0.1/3128; printf "GET $path HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" >&3; cat <&3; done',
].join('; ');

const request = (action: CommandAction, prompt: string): ClaudeCodeRequest => ({
  action,
  prompt,
  metadata: { projectId: 'searched' },
});

const seen = (text: string): string[] => [TRACE, ...ENCODED].filter((part) => text.includes(part));

describe('canary keys', () => {
  let directory: string;
  let model: RehearsalModel;
  let server: ServerProcess;
  let admin: Client;
  const answers: unknown[] = [];

  beforeAll(async () => {
    buildServer();
    directory = await temporaryDirectory();
    model = new RehearsalModel();
    const { url } = await model.start();
    server = await startServer(directory, {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: MODEL_KEY,
      BOOTSTRAP_API_KEY: ADMIN_KEY,
      SOME_OTHER_SECRET: ENVIRONMENT,
      UPSTREAM_RETRIES: '1',
      LOG_LEVEL: 'trace',
    });
    admin = new Client(server.url, ADMIN_KEY);
    for (const prompt of [
      `@tool Bash ${JSON.stringify({ command: `{ ${SEARCH}; } 2>&1 | tee found.txt | tail -c 20000` })}\n@echo-request`,
      '@status 401',
      '@status 529 times 9 retry-after 0',
      '@cut early',
      '@rubbish',
    ])
      answers.push(await admin.run(request('generate', prompt)));
    answers.push(await admin.run(request('review', `@tool Bash ${JSON.stringify({ command: SEARCH })}`)));
  });
  afterAll(async () => {
    await killServers();
    await model.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('[E06] the model gets its key, and nothing else of the server', () => {
    const asked = model.requests.filter(({ method }) => method === 'POST');
    expect(asked.length).toBeGreaterThan(5);
    for (const { headers } of asked) expect(headers['x-api-key']).toBe(MODEL_KEY);
    for (const { headers, body } of asked) {
      const { 'x-api-key': _, ...others } = headers;
      expect(seen(JSON.stringify([others, body]))).toEqual([]);
    }
  });

  it('[E10] the search for keys was a search: it saw environments, processes and files', async () => {
    const { body } = await admin.get<string>('/api/projects/searched/files/found.txt');
    expect(body).toContain('ANTHROPIC_API_KEY=sk-sandbox-');
    expect(body).toContain('/opt/agent/claude');
    expect(body).toContain('HTTP/1.1 404');
  });

  it('[E02] no answer and no event holds a key of the server', async () => {
    expect(seen(JSON.stringify(answers))).toEqual([]);
    const { body } = await admin.get<{ items: { id: string }[] }>('/api/executions');
    expect(body.items).toHaveLength(answers.length);
    for (const { id } of body.items) {
      expect(seen(JSON.stringify(await admin.history(id)))).toEqual([]);
      expect(seen(JSON.stringify(await admin.execution(id)))).toEqual([]);
      expect(seen(JSON.stringify((await admin.get(`/api/executions/${id}/changes`)).body))).toEqual([]);
    }
  });

  it.each([
    '/metrics',
    '/docs-json',
    '/docs',
    '/api/audit?limit=500',
    '/api/keys',
    '/api/usage',
    '/health/ready',
    '/api/commands',
    '/api/engines',
  ])('[E03] no page or list of the server holds a key: %s', async (path) => {
    const { status, body } = await admin.get(path);
    expect(status).toBe(200);
    expect(seen(JSON.stringify(body))).toEqual([]);
  });

  it('[E04] no log line holds a key of the server', () => {
    expect(server.output()).toContain('"msg":"request"');
    expect(
      server
        .output()
        .split('\n')
        .filter((line) => seen(line).length > 0),
    ).toEqual([]);
  });

  it('[E05] no file of the server holds a key: database, workspaces, sockets', async () => {
    const files = await filesBelow(directory);
    expect(files.some((path) => path.includes('.db') || path.includes('sqlite'))).toBe(true);
    expect(files.some((path) => path.endsWith('found.txt'))).toBe(true);
    for (const path of files)
      expect([path, seen((await readFile(path)).toString('latin1'))]).toEqual([path, []]);
  });
});

/** In front of the stand-in: answers what the CLI did not send with an error that repeats the key, wherever one can. */
async function echoingService(behind: string): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    if (request.headers['user-agent'] !== undefined) return passOn(request, response, behind);
    const key = String(request.headers['x-api-key']);
    response.writeHead(400, {
      'content-type': 'application/json',
      'x-echo': key,
      'set-cookie': `key=${key}`,
    });
    response.end(
      JSON.stringify({ type: 'error', error: { type: 'authentication_error', message: `bad ${key}` } }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function passOn(request: IncomingMessage, response: ServerResponse, behind: string): void {
  const onward = ask(behind + (request.url ?? ''), { method: request.method, headers: request.headers });
  request.pipe(onward).once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
}

it('[E07] a model service that repeats the key in its errors tells it to nobody', async () => {
  buildServer();
  const directory = await temporaryDirectory();
  const model = new RehearsalModel();
  const { server: service, url } = await echoingService((await model.start()).url);
  try {
    const server = await startServer(directory, {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: MODEL_KEY,
      BOOTSTRAP_API_KEY: ADMIN_KEY,
      LOG_LEVEL: 'trace',
    });
    const admin = new Client(server.url, ADMIN_KEY);
    const question =
      '{"model":"claude-sonnet-5-5","max_tokens":1,"messages":[{"role":"user","content":"x"}]}';
    const head = `POST /v1/messages HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Type: application/json\\r\\nContent-Length: ${question.length}\\r\\n\\r\\n`;
    const command = `exec 3<>/dev/tcp/127.0.0.1/3128; printf '${head}%s' '${question}' >&3; cat <&3`;
    const { body } = await admin.run(request('generate', `@tool Bash ${JSON.stringify({ command })}`));
    const events = JSON.stringify(await admin.history(body.metadata.executionId));
    expect(events).toContain('bad [redacted]');
    const audit = await admin.get('/api/audit?limit=500');
    expect(seen(JSON.stringify([body, events, audit.body]))).toEqual([]);
    expect(seen(server.output())).toEqual([]);
    for (const path of await filesBelow(directory))
      expect([path, seen((await readFile(path)).toString('latin1'))]).toEqual([path, []]);
  } finally {
    await killServers();
    service.close();
    await model.stop();
    await rm(directory, { recursive: true, force: true });
  }
});

/** Paths of all regular files below. */
async function filesBelow(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  const paths = names.map((name) => join(directory, name));
  const kinds = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return paths.filter((_, index) => kinds[index]?.isFile() === true);
}
