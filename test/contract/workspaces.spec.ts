/** What the workspaces port promises about files, with real sandboxes and a real database. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { ClaudeCodeError } from '../../src/errors/claude-code.error.js';
import { asRoot } from '../support/sandbox-ground.js';
import { until } from '../support/processes.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

describe('workspaces', () => {
  let ground: WorkspaceGround;
  let user = 0;
  beforeAll(async () => (ground = await workspaceGround({ FILE_MAX_BYTES: '1000000' })));
  afterAll(() => ground.clear());
  const fresh = () => ground.workspaces.open(`user-${(user += 1)}`, 'project');

  describe('whose they are', () => {
    it('is the same for the same user and project, also for another server on the same data', async () => {
      const first = await ground.workspaces.open('ada', 'engine');
      expect(await ground.workspaces.open('ada', 'engine')).toEqual(first);
      expect(await ground.restarted().find('ada', 'engine')).toEqual(first);
      expect(await Promise.all([1, 2, 3].map(() => ground.workspaces.open('new', 'race')))).toHaveLength(3);
    });

    it('is another for another user or project, under a name that tells nothing', async () => {
      const [a, b, c] = await Promise.all([
        ground.workspaces.open('bob', 'one'),
        ground.workspaces.open('bob', 'two'),
        ground.workspaces.open('eve', 'one'),
      ]);
      expect(new Set([a.id, b.id, c.id]).size).toBe(3);
      for (const { id, path } of [a, b, c]) {
        expect(id).toMatch(/^[0-9a-f]{32}$/);
        expect(path).not.toMatch(/bob|eve|one|two/);
      }
      if (asRoot) {
        expect(a.uid).toBe(b.uid);
        expect(a.uid).not.toBe(c.uid);
      }
    });

    it('has, as root, a uid that no other user gets; when the range is used up, a new user is E012', async () => {
      if (!asRoot) return;
      const small = await workspaceGround({ SANDBOX_UID_BASE: '300000', SANDBOX_UID_COUNT: '3' });
      try {
        expect((await small.workspaces.open('first', 'p')).uid).toBe(300_001);
        expect((await small.workspaces.open('second', 'p')).uid).toBe(300_002);
        await expect(small.workspaces.open('third', 'p')).rejects.toMatchObject({ code: 'E012' });
        expect((await small.workspaces.open('first', 'q')).uid).toBe(300_001);
      } finally {
        await small.clear();
      }
    });

    it('is nobody’s until it is opened: finding makes none', async () => {
      expect(await ground.workspaces.find('nobody', 'nothing')).toBeUndefined();
      expect(await ground.workspaces.find('nobody', 'nothing')).toBeUndefined();
    });

    it('is its user’s alone on the host, below a directory that cannot be listed', async () => {
      const workspace = await fresh();
      const directory = await stat(workspace.path);
      expect(directory.mode & 0o777).toBe(0o700);
      if (asRoot) expect(directory.uid).toBe(workspace.uid);
      expect((await stat(ground.sandboxes.config.workspaceRoot)).mode & 0o777).toBe(0o711);
    });
  });

  describe('files', () => {
    it('come back as they were put, byte for byte', async () => {
      const workspace = await fresh();
      const content = randomBytes(300_000);
      expect(await ground.put(workspace, 'deep/er/ünï côdé 😀.bin', content)).toEqual({
        created: true,
        size: 300_000,
      });
      expect((await ground.get(workspace, 'deep/er/ünï côdé 😀.bin')).equals(content)).toBe(true);
      expect(await ground.put(workspace, 'deep/er/ünï côdé 😀.bin', '')).toEqual({ created: false, size: 0 });
      expect(await ground.get(workspace, 'deep/er/ünï côdé 😀.bin')).toHaveLength(0);
    });

    it('may be called anything that a name may be', async () => {
      const workspace = await fresh();
      for (const name of [
        '-rf',
        '$(id)',
        '; touch x',
        '`id`',
        '"q"',
        "'",
        'a b',
        '*',
        '~',
        '%2e%2e',
        '__proto__',
      ]) {
        await ground.put(workspace, name, name);
        expect(String(await ground.get(workspace, name))).toBe(name);
        await ground.workspaces.remove(workspace, name);
      }
      expect(await ground.workspaces.list(workspace)).toEqual([]);
    });

    it('keep their mode when they are overwritten', async () => {
      const workspace = await fresh();
      await ground.agent(workspace, 'echo "#!/bin/sh" >run; chmod 755 run');
      await ground.put(workspace, 'run', '#!/bin/sh\necho ran\n');
      expect(await ground.agent(workspace, './run')).toBe('ran\n');
    });

    it('are listed in path order, with type, size and time', async () => {
      const workspace = await fresh();
      await ground.agent(
        workspace,
        'mkdir -p b/c .git; echo 12 >b/c/file; ln -s c b/link; mkfifo b/pipe; echo >a; echo >.git/x',
      );
      const entries = await ground.workspaces.list(workspace);
      expect(entries.map(({ path, type, size }) => [path, type, type === 'file' ? size : 0])).toEqual([
        ['.git', 'directory', 0],
        ['.git/x', 'file', 1],
        ['a', 'file', 1],
        ['b', 'directory', 0],
        ['b/c', 'directory', 0],
        ['b/c/file', 'file', 3],
        ['b/link', 'symlink', 0],
        ['b/pipe', 'other', 0],
      ]);
      for (const { modifiedAt } of entries) expect(Math.abs(modifiedAt - Date.now())).toBeLessThan(60_000);
    });

    it('that are unknown are E009, to read and to remove', async () => {
      const workspace = await fresh();
      await ground.put(workspace, 'file', 'x');
      for (const path of ['none', 'none/below', 'file/below']) {
        await expect(ground.workspaces.read(workspace, path)).rejects.toMatchObject({ code: 'E009' });
        await expect(ground.workspaces.remove(workspace, path)).rejects.toMatchObject({ code: 'E009' });
      }
    });

    it('are refused by the path rule before anything is touched', async () => {
      const workspace = await fresh();
      await expect(ground.workspaces.read(workspace, '../x')).rejects.toMatchObject({ code: 'E004' });
      await expect(ground.put(workspace, '/etc/passwd', 'x')).rejects.toMatchObject({ code: 'E004' });
      await expect(ground.workspaces.remove(workspace, 'a\0b')).rejects.toMatchObject({ code: 'E003' });
      await expect(
        ground.workspaces.mustExist(workspace, [{ path: '..', type: 'any' }]),
      ).rejects.toMatchObject({ code: 'E004' });
    });

    it('above the limit are E015 and leave what was there', async () => {
      const workspace = await fresh();
      await ground.put(workspace, 'file', 'before');
      await expect(ground.put(workspace, 'file', Buffer.alloc(1_000_001))).rejects.toMatchObject({
        code: 'E015',
      });
      const endless = Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })(),
      );
      await expect(ground.workspaces.write(workspace, 'file', endless)).rejects.toMatchObject({
        code: 'E015',
      });
      endless.destroy();
      expect(String(await ground.get(workspace, 'file'))).toBe('before');
      expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toEqual(['file']);
    });

    it('whose content breaks off are not written at all', async () => {
      const workspace = await fresh();
      await ground.put(workspace, 'file', 'before');
      const content = new PassThrough();
      content.write('half of it');
      const writing = ground.workspaces.write(workspace, 'file', content);
      const refused = expect(writing).rejects.toMatchObject({ code: 'E003' });
      await until(async () => (await ground.workspaces.list(workspace)).length === 2);
      content.destroy();
      await refused;
      expect(String(await ground.get(workspace, 'file'))).toBe('before');
      expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toEqual(['file']);
    });

    it('are let go of at once when the process was given up for lost: somebody else may be writing there', async () => {
      const workspace = await fresh();
      const { lease } = ground.housekeeping;
      const losing = new AbortController();
      jest.spyOn(lease, 'lost', 'get').mockReturnValue(losing.signal);
      const [content, reader] = [new PassThrough(), await fresh()];
      await ground.put(reader, 'large', randomBytes(900_000));
      content.write('the beginning');
      const writing = ground.workspaces.write(workspace, 'half', content);
      const reading = await ground.workspaces.read(reader, 'large');
      const ended = expect(writing).rejects.toMatchObject({ code: 'E012' });
      await until(async () => (await ground.workspaces.list(workspace)).length > 0);
      losing.abort(new ClaudeCodeError('E012', 'This process was given up for lost.'));
      await ended;
      jest.restoreAllMocks();
      await until(() => ground.sandboxes.sandboxes.alive === 0);
      reading.content.destroy();
      await expect(ground.workspaces.read(workspace, 'half')).rejects.toMatchObject({ code: 'E009' });
    });

    it('whose place is a directory are E004', async () => {
      const workspace = await fresh();
      await ground.agent(workspace, 'mkdir -p a/b');
      await expect(ground.put(workspace, 'a/b', 'x')).rejects.toMatchObject({ code: 'E004' });
      await expect(ground.workspaces.read(workspace, 'a/b')).rejects.toMatchObject({ code: 'E004' });
    });

    it('let go of their sandbox when the reader leaves', async () => {
      const workspace = await fresh();
      await ground.put(workspace, 'large', Buffer.alloc(1_000_000));
      const { content, size } = await ground.workspaces.read(workspace, 'large');
      expect(size).toBe(1_000_000);
      await new Promise((resolve) => content.once('readable', resolve));
      content.destroy();
      await until(() => ground.sandboxes.sandboxes.alive === 0);
    });

    it('and whole directories are removed, also deep and read-only ones', async () => {
      const workspace = await fresh();
      await ground.agent(
        workspace,
        'mkdir -p tree/a; echo >tree/a/f; chmod 555 tree/a; chmod 500 tree; echo >kept; ln -s kept link',
      );
      await ground.workspaces.remove(workspace, 'tree');
      await ground.workspaces.remove(workspace, 'link');
      expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toEqual(['kept']);
    });

    it('that must exist are checked with their type, naming those that do not', async () => {
      const workspace = await fresh();
      await ground.agent(workspace, 'mkdir src; echo >src/a.ts; ln -s src link; ln -s /etc out');
      const must = (paths: [string, 'file' | 'directory' | 'any'][]) =>
        ground.workspaces.mustExist(
          workspace,
          paths.map(([path, type]) => ({ path, type })),
        );
      await must([
        ['.', 'directory'],
        ['src', 'directory'],
        ['src/a.ts', 'file'],
        ['link/a.ts', 'any'],
      ]);
      await expect(
        must([
          ['src', 'file'],
          ['src/a.ts', 'file'],
          ['none', 'any'],
          ['src/a.ts', 'directory'],
          ['out', 'any'],
        ]),
      ).rejects.toMatchObject({
        code: 'E004',
        details: { paths: ['src', 'none', 'src/a.ts', 'out'] },
      });
    });
  });
});
