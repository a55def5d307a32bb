/** Real: CLI, sandbox, git, npm, curl, TLS, proxy, audit. Not real: the model, the names, the certificate's authority. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { once } from 'node:events';
import { Resolver } from '../../src/egress/resolver.js';
import type { AuditPage, VerificationView } from '../../src/audit/audit.dto.js';
import type { EgressGrantView } from '../../src/egress/egress.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import {
  type Certificate,
  certificateFor,
  describeWith443,
  loopbackAddress,
} from '../support/egress-ground.js';
import { until } from '../support/processes.js';

const GIT = 'git.example.test';
const REGISTRY = 'registry.example.test';

const GIT_CLONE = `GIT_SSL_CAINFO=/workspace/ca.pem git clone -q https://${GIT}/repo.git cloned && cat cloned/hello.txt`;
const NPM_INSTALL = `npm install --cafile /workspace/ca.pem --no-audit --no-fund --fetch-retries=0 --cache /tmp/npm --registry https://${REGISTRY} tiny && node -p "require('tiny')"`;

/** @throws Error with the program's words */
function run(cwd: string, program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { cwd, env: { PATH: process.env.PATH, HOME: cwd } });
  if (status !== 0) throw new Error(`${program}: ${stderr.toString()}`);
}

describeWith443('egress from a real sandbox', () => {
  let caisson: Caisson;
  let server: Server;
  let tls: Certificate;
  const requested: string[] = [];

  beforeAll(async () => {
    caisson = await startCaisson({ EGRESS_TEST_LOOPBACK: 'true' });
    tls = await certificateFor(caisson.directory, GIT, REGISTRY);
    const root = await makeSite(caisson.directory);
    server = createServer(tls, (request, response) => {
      requested.push(`${request.headers.host}${request.url}`);
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      readFile(join(root, path === '/tiny' ? 'tiny.json' : path)).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
    });
    const address = loopbackAddress();
    server.listen(443, address);
    await once(server, 'listening');
    jest
      .spyOn(caisson.app.get(Resolver, { strict: false }), 'addressesOf')
      .mockImplementation((name) => Promise.resolve([GIT, REGISTRY].includes(name) ? [address] : []));
  });
  afterAll(async () => {
    await caisson.clear();
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  beforeEach(() => void (requested.length = 0));

  /** What a Bash call of an execution printed. */
  const bash = async (projectId: string, command: string): Promise<{ output: string; id: string }> => {
    await caisson.admin.call('PUT', `/api/projects/${projectId}/files/ca.pem`, tls.cert);
    const { body } = await caisson.admin.run({
      action: 'generate',
      prompt: `@tool Bash ${JSON.stringify({ command })}`,
      metadata: { projectId },
    });
    const events = await caisson.admin.history(body.metadata.executionId);
    const output = events.flatMap((event) => (event.type === 'agent.tool_result' ? [event.data.output] : []));
    return { output: output.join('\n'), id: body.metadata.executionId };
  };
  const grant = (projectId: string, ...hosts: string[]) =>
    caisson.admin.call<EgressGrantView>('PUT', `/api/projects/${projectId}/egress`, { hosts });
  const entriesOf = async (executionId: string) =>
    (await caisson.admin.get<AuditPage>('/api/audit?limit=100')).body.items.filter(
      (entry) => entry.executionId === executionId && entry.type === 'egress.connection',
    );

  it('git clones and npm installs what is granted, each connection recorded', async () => {
    expect((await grant('granted', GIT, REGISTRY)).body).toEqual({ hosts: [GIT, REGISTRY], everywhere: [] });
    const cloned = await bash('granted', GIT_CLONE);
    expect(cloned.output).toContain('hello from the repository');
    const installed = await bash('granted', NPM_INSTALL);
    expect(installed.output).toContain('hello from the package');
    const entries = [...(await entriesOf(cloned.id)), ...(await entriesOf(installed.id))];
    expect(entries.length).toBeGreaterThanOrEqual(2);
    for (const entry of entries)
      expect(entry).toMatchObject({
        action: expect.stringMatching(/^CONNECT (git|registry)\.example\.test:443$/) as string,
        projectId: 'granted',
        userId: 'admin',
        success: true,
        outcome: 'opened',
        dialledAddress: expect.stringMatching(/^127\.77\./) as string,
      });
    expect((await caisson.admin.get<VerificationView>('/api/audit?verify=true')).body.valid).toBe(true);
    const metrics = (await caisson.admin.get<string>('/metrics')).body;
    expect(metrics).toMatch(/caisson_egress_connections_total\{outcome="opened"\} [1-9]/);
    expect(metrics).toMatch(/caisson_egress_bytes_total\{direction="down"\} [1-9]/);
    expect(metrics).not.toContain('example.test');
  });

  it('without a grant there is no way out, no socket, and no word of one', async () => {
    const { output, id } = await bash(
      'ungranted',
      `env | grep -i proxy; ls /run; ${GIT_CLONE}; ${NPM_INSTALL}; curl -sS -x http://127.0.0.1:3129 https://${GIT}/ 2>&1; echo over`,
    );
    expect(output).toContain('over');
    expect(output).not.toMatch(/_PROXY|egress\.sock|hello from/i);
    expect(output).toContain('Could not resolve host');
    expect(requested).toEqual([]);
    expect(await entriesOf(id)).toEqual([]);
  });

  it('a grant for one host is none for another, and curl is told so', async () => {
    await grant('one', REGISTRY);
    const { output, id } = await bash('one', `${GIT_CLONE}; curl -sSv https://${GIT}/ 2>&1; echo over`);
    expect(output).toContain('over');
    expect(output).toContain('403');
    expect(output).not.toContain('hello from');
    expect(requested).toEqual([]);
    for (const entry of await entriesOf(id))
      expect(entry).toMatchObject({ success: false, outcome: 'not-granted' });
  });

  it('a grant that is taken back while an execution runs is none for its next connection', async () => {
    await grant('running', GIT);
    const ask = `curl -sS --cacert ca.pem https://${GIT}/hello.txt`;
    const command = `${ask} >first; until [ -e go ]; do sleep 0.05; done; ${ask} 2>&1; echo over`;
    const file = (name: string) => `/api/projects/running/files/${name}`;
    await caisson.admin.call('PUT', file('ca.pem'), tls.cert);
    const { id } = await caisson.admin.submit({
      action: 'generate',
      prompt: `@tool Bash ${JSON.stringify({ command })}`,
      metadata: { projectId: 'running' },
    });
    await until(() => requested.length === 1);
    expect((await caisson.admin.call('DELETE', '/api/projects/running/egress')).status).toBe(204);
    await caisson.admin.call('PUT', file('go'), 'now');
    const results = (await caisson.admin.history(id)).filter((event) => event.type === 'agent.tool_result');
    expect(results.map(({ data }) => data.output).join('\n')).toMatch(/403[^]*over/);
    expect(requested).toHaveLength(1);
    expect(await entriesOf(id)).toMatchObject([{ outcome: 'not-granted' }, { outcome: 'opened' }]);
  });

  it('a grant that was taken back is none for the next execution', async () => {
    await grant('taken', GIT);
    expect((await caisson.admin.call('DELETE', '/api/projects/taken/egress')).status).toBe(204);
    const { output } = await bash('taken', `ls /run; ${GIT_CLONE}`);
    expect(output).not.toMatch(/egress\.sock|hello from/);
  });
});

describe('the grants of a project', () => {
  let caisson: Caisson;
  beforeAll(async () => (caisson = await startCaisson({ EGRESS_ALLOW: 'everywhere.example' })));
  afterAll(() => caisson.clear());
  const path = '/api/projects/demo/egress';

  it('are kept per user and project, in one spelling, beside those of every project', async () => {
    const { admin } = caisson;
    const everywhere = ['everywhere.example'];
    expect((await admin.get(path)).body).toEqual({ hosts: [], everywhere });
    const hosts = ['GitHub.com.', '*.bücher.example'];
    const kept = ['github.com', '*.xn--bcher-kva.example'];
    expect((await admin.call('PUT', `${path}?userId=bob`, { hosts })).body).toEqual({
      hosts: kept,
      everywhere,
    });
    expect((await admin.get(`${path}?userId=bob`)).body).toEqual({ hosts: kept, everywhere });
    expect((await admin.get(path)).body).toEqual({ hosts: [], everywhere });
  });

  it.each([
    { hosts: ['*'] },
    { hosts: ['*.com'] },
    { hosts: ['*.github.io'] },
    { hosts: ['10.0.0.1'] },
    { hosts: ['2130706433'] },
    { hosts: ['localhost'] },
    { hosts: ['a.example', 'A.example.'] },
    { hosts: ['evil.test\0.example.com'] },
    { hosts: 'github.com' },
    { hosts: [1] },
    { hosts: Array.from({ length: 101 }, (_, index) => `h${index}.example`) },
    {},
  ])('are not %j', async (body) => {
    const { status, body: answer } = await caisson.admin.call('PUT', path, body);
    expect({ status, code: answer.error?.code }).toEqual({ status: 400, code: 'E003' });
  });

  it('are for administrators alone to see and to change', async () => {
    const user = await caisson.clientOf('alice', ['run', 'read', 'act-as']);
    for (const [method, body] of [['GET'], ['PUT', { hosts: ['evil.example'] }], ['DELETE']] as const) {
      const { status } = await user.call(method, path, body);
      expect(status).toBe(403);
    }
  });
});

/** A repository for git's plain HTTP and a registry with one package, as files. @returns the directory */
async function makeSite(directory: string): Promise<string> {
  const site = join(directory, 'site');
  const work = join(site, 'work');
  await mkdir(join(work, 'package'), { recursive: true });
  await writeFile(join(work, 'hello.txt'), 'hello from the repository\n');
  run(work, 'git', 'init', '-q', '-b', 'main');
  run(work, 'git', 'add', 'hello.txt');
  run(work, 'git', '-c', 'user.name=t', '-c', 'user.email=t@example.test', 'commit', '-q', '-m', 'first');
  run(site, 'git', 'clone', '-q', '--bare', 'work', 'repo.git');
  run(join(site, 'repo.git'), 'git', 'update-server-info');
  const version = { name: 'tiny', version: '1.0.0', main: 'index.js' };
  await writeFile(join(work, 'package', 'package.json'), JSON.stringify(version));
  await writeFile(join(work, 'package', 'index.js'), "module.exports = 'hello from the package';\n");
  run(work, 'tar', '-czf', join(site, 'tiny.tgz'), 'package');
  const dist = { tarball: `https://${REGISTRY}/tiny.tgz` };
  const packument = {
    name: 'tiny',
    'dist-tags': { latest: '1.0.0' },
    versions: { '1.0.0': { ...version, dist } },
  };
  await writeFile(join(site, 'tiny.json'), JSON.stringify(packument));
  return site;
}
