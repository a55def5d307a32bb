/** Dry runs, backups and the way back, over HTTP with the real CLI. */
import type { ClaudeCodeRequest } from '../../src/commands/claude-code-request.js';
import type { SnapshotList } from '../../src/workspaces/snapshots.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import type { Client } from '../support/client.js';
import { refusalOf } from '../support/envelope.js';

describe('what an execution changes', () => {
  let caisson: Caisson;
  let alice: Client;
  let project = 0;
  beforeAll(async () => {
    caisson = await startCaisson();
    alice = await caisson.clientOf('alice');
  });
  afterAll(() => caisson.clear());

  const put = (name: string, content: string) =>
    alice.call('PUT', `/api/projects/p${project}/files/${name}`, content, {
      'content-type': 'application/octet-stream',
    });
  const read = async (name: string) => {
    const { status, body } = await alice.get<string>(`/api/projects/p${project}/files/${name}`);
    return status === 200 ? body : status;
  };
  async function run(line: string, options: ClaudeCodeRequest['options'] = {}) {
    const { body } = await alice.run({
      action: 'generate',
      prompt: `@tool Bash ${JSON.stringify({ command: line })}\n@text Done.`,
      options,
      metadata: { projectId: `p${project}` },
    });
    expect(body.error).toBeUndefined();
    return body;
  }
  const post = <T = { files: unknown[] }>(id: string, what: string) =>
    alice.call<T>('POST', `/api/executions/${id}/${what}`);

  beforeEach(async () => {
    project += 1;
    await put('edited.txt', 'one\n');
    await put('gone.txt', 'gone\n');
  });
  const WORK =
    'echo two >edited.txt; rm gone.txt; mkdir -p d/empty; echo made >d/made.sh; chmod 755 d/made.sh';

  it('in a dry run is told whole, leaves the workspace as it was, and can be applied once', async () => {
    const answer = await run(WORK, { dryRun: true });
    expect(answer.result?.files).toEqual([
      { path: 'd/made.sh', action: 'created', content: 'made\n' },
      { path: 'edited.txt', action: 'modified', content: 'two\n' },
      { path: 'gone.txt', action: 'deleted', content: '' },
    ]);
    const { executionId } = answer.metadata;
    const diff = await alice.get<string>(`/api/executions/${executionId}/changes`, { accept: 'text/x-diff' });
    expect(diff.body).toContain('-one\n+two\n');
    expect([await read('edited.txt'), await read('gone.txt'), await read('d/made.sh')]).toEqual([
      'one\n',
      'gone\n',
      404,
    ]);
    expect(refusalOf(await post(executionId, 'revert')).code).toBe('E010');

    await put('beside.txt', 'kept');
    const applied = await post(executionId, 'apply');
    expect(applied.body).toMatchObject({
      files: [
        { path: 'd/made.sh', action: 'created', size: 5 },
        { path: 'edited.txt', action: 'modified', size: 4 },
        { path: 'gone.txt', action: 'deleted', size: 0 },
      ],
      stayed: [],
    });
    expect([await read('edited.txt'), await read('gone.txt'), await read('d/made.sh')]).toEqual([
      'two\n',
      404,
      'made\n',
    ]);
    expect(refusalOf(await post(executionId, 'apply')).code).toBe('E010');
    expect((await post(executionId, 'revert')).status).toBe(200);
    expect([await read('edited.txt'), await read('gone.txt'), await read('d/made.sh')]).toEqual([
      'one\n',
      'gone\n',
      404,
    ]);
    expect(await read('beside.txt')).toBe('kept');
  });

  it('is not applied over what changed since: 409 names every conflict, and nothing is done', async () => {
    const { metadata } = await run(WORK, { dryRun: true });
    await put('edited.txt', 'mine\n');
    const refused = refusalOf(await post(metadata.executionId, 'apply'));
    expect(refused).toMatchObject({
      code: 'E010',
      details: { conflicts: [{ path: 'edited.txt', reason: 'changed' }] },
    });
    expect([await read('edited.txt'), await read('gone.txt')]).toEqual(['mine\n', 'gone\n']);
  });

  it('is taken back by revert, and told as an archive', async () => {
    const { metadata } = await run(WORK);
    expect(refusalOf(await post(metadata.executionId, 'apply')).code).toBe('E010');
    const archive = await fetch(`${alice.url}/api/executions/${metadata.executionId}/changes`, {
      headers: { authorization: `Bearer ${alice.secret}`, accept: 'application/x-tar' },
    });
    expect(archive.headers.get('content-type')).toBe('application/x-tar');
    const bytes = Buffer.from(await archive.arrayBuffer()).toString('latin1');
    expect(
      ['d/made.sh', 'edited.txt', 'two\n', 'made\n', 'gone.txt'].map((text) => bytes.includes(text)),
    ).toEqual([true, true, true, true, false]);
    expect((await post(metadata.executionId, 'revert')).status).toBe(200);
    expect([await read('edited.txt'), await read('gone.txt'), await read('d/made.sh')]).toEqual([
      'one\n',
      'gone\n',
      404,
    ]);
    expect(refusalOf(await post(metadata.executionId, 'revert')).code).toBe('E010');
  });

  it('is preceded by a backup that is named and can be restored, and the restore taken back', async () => {
    const { metadata } = await run('echo two >edited.txt', { backup: true });
    await run('echo three >edited.txt; echo more >more.txt');
    const path = `/api/projects/p${project}`;
    const list = await alice.get<SnapshotList>(`${path}/snapshots`);
    expect(list.body.items.map(({ kind }) => kind)).toEqual(['after', 'before', 'after', 'backup']);
    expect(list.body.items.at(-1)).toMatchObject({
      id: metadata.backup,
      executionId: metadata.executionId,
      files: 2,
      bytes: 9,
    });
    const page = await alice.get<SnapshotList>(`${path}/snapshots?limit=3`);
    const rest = await alice.get<SnapshotList>(`${path}/snapshots?limit=3&cursor=${page.body.nextCursor}`);
    expect([...page.body.items, ...rest.body.items]).toEqual(list.body.items);

    const restored = await alice.call<{ previous: string }>('POST', `${path}/restore`, {
      snapshot: metadata.backup,
    });
    expect(restored.body).toMatchObject({
      files: [{ path: 'edited.txt' }, { path: 'more.txt', action: 'deleted' }],
    });
    expect([await read('edited.txt'), await read('more.txt')]).toEqual(['one\n', 404]);
    await alice.call('POST', `${path}/restore`, { snapshot: restored.body.previous });
    expect([await read('edited.txt'), await read('more.txt')]).toEqual(['three\n', 'more\n']);
  });

  it('[K01] is nobody else’s to list, apply, revert or restore', async () => {
    const { metadata } = await run(WORK, { backup: true });
    const bob = await caisson.clientOf('bob');
    for (const what of ['apply', 'revert'])
      expect(refusalOf(await bob.call('POST', `/api/executions/${metadata.executionId}/${what}`)).code).toBe(
        'E009',
      );
    const path = `/api/projects/p${project}`;
    expect((await bob.get<SnapshotList>(`${path}/snapshots`)).body).toEqual({ items: [] });
    expect(refusalOf(await bob.get(`${path}/snapshots?userId=alice`)).code).toBe('E008');
    expect(refusalOf(await bob.call('POST', `${path}/restore`, { snapshot: metadata.backup })).code).toBe(
      'E009',
    );
    await bob.call('PUT', `${path}/files/x`, 'x');
    expect(refusalOf(await bob.call('POST', `${path}/restore`, { snapshot: metadata.backup })).code).toBe(
      'E009',
    );
    expect(
      refusalOf(await alice.call('POST', '/api/projects/other/restore', { snapshot: metadata.backup })).code,
    ).toBe('E009');
    const reader = await caisson.clientOf('alice', ['read']);
    expect(refusalOf(await reader.call('POST', `/api/executions/${metadata.executionId}/revert`)).code).toBe(
      'E008',
    );
    expect(await read('edited.txt')).toBe('two\n');
  });

  it('in a dry run sees dependencies and history, and a cancelled or unended one is not reverted', async () => {
    await run('mkdir -p node_modules/m .git; echo m >node_modules/m/x; echo g >.git/HEAD');
    const { result } = await run('cat node_modules/m/x .git/HEAD >seen.txt', { dryRun: true });
    expect(result?.files).toEqual([{ path: 'seen.txt', action: 'created', content: 'm\ng\n' }]);
    const { metadata } = await run('echo x >y', { dryRun: true });
    const waiting = await alice.submit({
      action: 'generate',
      prompt: '@hang',
      metadata: { projectId: `p${project}` },
    });
    expect(refusalOf(await post(waiting.id, 'revert')).code).toBe('E010');
    await alice.firstEvent(waiting.id, 'execution.started');
    expect(refusalOf(await post(metadata.executionId, 'apply')).code).toBe('E010');
    await post(waiting.id, 'cancel');
    expect((await post(metadata.executionId, 'apply')).status).toBe(200);
  });
});
