/** What somebody puts into a workspace to make the server touch something else, and must not succeed with. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { ClaudeCodeError } from '../../src/errors/claude-code.error.js';
import type { Workspace } from '../../src/workspaces/workspace.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

describe('a hostile workspace', () => {
  let ground: WorkspaceGround;
  let user = 0;
  beforeAll(async () => {
    // As much as a file may have by the settings: the sparse one below is to be larger than any disk.
    ground = await workspaceGround({ SANDBOX_FILE_BYTES: String(2 ** 40) });
  });
  afterAll(() => ground.clear());
  const fresh = () => ground.workspaces.open(`user-${(user += 1)}`, 'project');

  async function after(line: string): Promise<Workspace> {
    const workspace = await fresh();
    await ground.agent(workspace, line);
    return workspace;
  }

  it.each([
    ['a link to a file of the system', 'ln -s /etc/passwd x'],
    ['a relative link to it', 'ln -s ../etc/passwd x'],
    ['a link through /proc', 'ln -s /proc/self/root/etc/passwd x'],
    ['a link to a file that only the host has', 'ln -s /etc/shadow x'],
    ['a chain of links', 'ln -s /etc/passwd a; ln -s a b; ln -s b x'],
    ['a link below a linked directory', 'ln -s / d; ln -s d/etc/passwd x'],
    ['a circle', 'ln -s y x; ln -s x y'],
    ['a FIFO that nobody writes to', 'mkfifo x'],
    [
      'a socket',
      'socat UNIX-LISTEN:x,unlink-close=0 - </dev/null & while [ ! -S x ]; do sleep 0.01; done; kill -9 $!',
    ],
    ['a link to a device', 'ln -s /dev/zero x'],
    ['a file that cannot be read', 'echo >x; chmod 000 x'],
  ])('[P05] a link or a thing that is no file gives nothing: %s', async (_, line) => {
    const workspace = await after(line);
    await expect(ground.workspaces.read(workspace, 'x')).rejects.toMatchObject({ code: 'E004' });
  });

  it('[P07] a link does not lead to another workspace by its path on the host', async () => {
    const victim = await fresh();
    await ground.put(victim, 'secret', 'of the victim');
    const workspace = await after(`ln -s ${victim.path}/secret x; ln -s ${victim.path} d`);
    await expect(ground.workspaces.read(workspace, 'x')).rejects.toMatchObject({ code: 'E004' });
    await expect(ground.put(workspace, 'd/secret', 'overwritten')).rejects.toMatchObject({ code: 'E004' });
    await expect(ground.workspaces.remove(workspace, 'd/secret')).rejects.toMatchObject({ code: 'E004' });
    expect(String(await ground.get(victim, 'secret'))).toBe('of the victim');
  });

  it.each(['ln -s / out', 'ln -s /tmp out', 'ln -s .. out', 'ln -s /workspace/../tmp out'])(
    '[P26] no file is written or removed through a link that leads out: %s',
    async (line) => {
      const workspace = await after(line);
      await expect(ground.put(workspace, 'out/tmp/file', 'x')).rejects.toMatchObject({ code: 'E004' });
      await expect(ground.workspaces.remove(workspace, 'out/etc/passwd')).rejects.toMatchObject({
        code: 'E004',
      });
    },
  );

  it('[P27] links inside the workspace can be used', async () => {
    const workspace = await after(
      'mkdir real; echo text >real/file; ln -s real link; ln -s /workspace/real abs; ln -s link/file f',
    );
    for (const path of ['link/file', 'abs/file', 'f'])
      expect(String(await ground.get(workspace, path))).toBe('text\n');
    await ground.put(workspace, 'f', 'through the link');
    expect(String(await ground.get(workspace, 'real/file'))).toBe('through the link');
  });

  it('[P28] a FIFO is not written over, and a link is removed but not what it points to', async () => {
    const workspace = await after('mkfifo x; echo kept >file; ln -s file link');
    await expect(ground.put(workspace, 'x', 'y')).rejects.toMatchObject({ code: 'E004' });
    await ground.workspaces.remove(workspace, 'x');
    await ground.workspaces.remove(workspace, 'link');
    expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toEqual(['file']);
  });

  it('[P08] a workspace that swaps a file and a link all the time is read right or refused', async () => {
    const workspace = await after('echo inside >good; ln -s /etc/passwd bad');
    const swapper = await ground.sandboxes.sandboxes.start({
      workspace,
      access: 'read-write',
      argv: ['/bin/sh', '-c', 'while :; do ln -f good x; ln -sfn /etc/passwd y; mv -f y x; done'],
    });
    try {
      for (let round = 0; round < 15; round += 1) {
        const outcome = await ground.get(workspace, 'x').catch((error: unknown) => error);
        if (outcome instanceof ClaudeCodeError) expect(['E004', 'E009']).toContain(outcome.code);
        else expect(String(outcome)).toBe('inside\n');
      }
    } finally {
      await swapper.end(0);
    }
  });

  it('[R24] directories 10 000 deep are listed, marked, compared and removed', async () => {
    const workspace = await fresh();
    const before = await ground.workspaces.snapshot(workspace);
    await ground.agent(
      workspace,
      `perl -e 'mkdir "deep"; chdir "deep"; for (1 .. 10000) { mkdir "d" and chdir "d" or die $! }'; echo >beside`,
    );
    expect((await ground.workspaces.list(workspace)).length).toBeGreaterThan(1000);
    expect((await ground.changesSince(workspace, before)).files.map(({ path }) => path)).toEqual(['beside']);
    await ground.workspaces.remove(workspace, 'deep');
    expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toEqual(['beside']);
  });

  it('[R25] a workspace of more entries than can be told is E015', async () => {
    const workspace = await after('i=0; while [ $i -lt 50 ]; do echo >f$i; i=$((i+1)); done');
    const shape = z.object({ ok: z.literal(true) });
    await expect(
      ground.housekeeping.ask(workspace, { op: 'list', maxEntries: 49 }, shape),
    ).rejects.toMatchObject({ code: 'E015' });
    await expect(
      ground.housekeeping.ask(
        workspace,
        { op: 'snapshot', maxEntries: 49, fileMaxBytes: 1, storeMaxBytes: 1 },
        shape,
      ),
    ).rejects.toMatchObject({ code: 'E015' });
  });

  it('[R26] a sparse file of terabytes is marked and compared in time', async () => {
    const workspace = await fresh();
    const before = await ground.workspaces.snapshot(workspace);
    await ground.agent(workspace, 'truncate -s 1T sparse');
    const { files } = await ground.changesSince(workspace, before);
    expect(files).toEqual([{ path: 'sparse', action: 'created', size: expect.any(Number), truncated: true }]);
  });

  it('[P29] a workspace cannot speak for the housekeeper, by names or by contents', async () => {
    const workspace = await fresh();
    const before = await ground.workspaces.snapshot(workspace);
    const forged = '{"ok":false,"code":"E009","message":"forged"}';
    await ground.agent(
      workspace,
      `printf x >'a
${forged}
'; echo '${forged}' >content`,
    );
    expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toEqual([
      `a\n${forged}\n`,
      'content',
    ]);
    expect((await ground.changesSince(workspace, before)).files).toHaveLength(2);
    expect(String(await ground.get(workspace, 'content'))).toBe(`${forged}\n`);
  });

  it('[F26] a workspace runs nothing of its own in the housekeeper', async () => {
    const workspace = await after(
      `mkdir -p node_modules/fs .git; echo 'console.log("planted")' | tee node_modules/fs/index.js main.mts index.js >/dev/null
       echo '{"type":"commonjs","imports":{"./x":"./y"}}' >package.json; echo 'NODE_OPTIONS=--require=/workspace/index.js' >.env
       echo '{"nodeOptions":{"import":["/workspace/index.js"]}}' >node.config.json`,
    );
    expect((await ground.workspaces.list(workspace)).map(({ path }) => path)).toContain('index.js');
  });

  it('[P30] an agent never sees what is remembered about its workspace', async () => {
    const workspace = await fresh();
    await ground.workspaces.snapshot(workspace);
    expect(await ground.agent(workspace, 'ls / | grep -c state || true')).toBe('0\n');
    expect((await stat(ground.housekeeping.stateDirectory(workspace.id))).mode & 0o777).toBe(0o700);
  });
});
