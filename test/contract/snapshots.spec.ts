/** What the workspaces port promises about earlier contents: any can be had back to the last byte, all of it or nothing. */
import fc from 'fast-check';
import { z } from 'zod';
import type { Snapshot, Workspace } from '../../src/workspaces/workspace.js';
import { workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

const LIMITS = { maxEntries: 100_000, fileMaxBytes: 2 ** 20, storeMaxBytes: 2 ** 30 };
const DONE = z.object({ ok: z.literal(true) });

describe('a snapshot', () => {
  let ground: WorkspaceGround;
  let user = 0;
  beforeAll(async () => {
    ground = await workspaceGround({ SNAPSHOT_FILE_MAX_BYTES: String(2 ** 20) });
  });
  afterAll(() => ground.clear());
  const fresh = () => ground.workspaces.open(`user-${(user += 1)}`, 'project');

  /** All there is to see of a workspace, told by other programs than those that are tested here. */
  const portrait = async (workspace: Workspace) => {
    const line = `find . -mindepth 1 -printf '%P\\0%y %m %l\\0' | sort -z; find . -type f -print0 | sort -z | xargs -0r sha256sum -z`;
    const order = { workspace, access: 'read-only', readsEverything: true } as const;
    return (await ground.sandboxes.shell(line, order)).stdout;
  };

  async function state(workspace: Workspace, line: string): Promise<{ snapshot: Snapshot; seen: string }> {
    await ground.agent(workspace, line);
    return { snapshot: await ground.workspaces.snapshot(workspace), seen: await portrait(workspace) };
  }

  const go = (workspace: Workspace, from: Snapshot, to: Snapshot) =>
    ground.workspaces.transit(workspace, { from: from.tree, to: to.tree });

  it('has the same name for the same content, whatever its times and inodes are', async () => {
    const line = 'mkdir -p a/empty; echo x >a/b; chmod 640 a/b; ln -s b a/c; mkfifo p';
    const [one, other] = [await fresh(), await fresh()];
    const first = await state(one, line);
    expect((await state(other, `${line}; touch -d 2001-01-01 a/b`)).snapshot.tree).toBe(first.snapshot.tree);
    expect((await state(one, 'rm a/b; echo x >a/b; chmod 640 a/b')).snapshot.tree).toBe(first.snapshot.tree);
    for (const change of [
      'chmod 644 a/b',
      'rmdir a/empty',
      'ln -sfn d a/c',
      'rm p',
      'echo y >a/b',
      'mkdir z',
    ])
      expect((await state(await fresh(), `${line}; ${change}`)).snapshot.tree).not.toBe(first.snapshot.tree);
    expect(first.snapshot).toMatchObject({ files: 1, bytes: 2 });
  });

  it('is not looked for again while nothing was written, and is after every kind of write', async () => {
    const workspace = await fresh();
    const { snapshot } = await state(workspace, 'echo x >file');
    expect(await ground.workspaces.snapshot(workspace)).toBe(snapshot);
    await ground.put(workspace, 'other', 'y');
    const second = await ground.workspaces.snapshot(workspace);
    expect(second.tree).not.toBe(snapshot.tree);
    await ground.workspaces.remove(workspace, 'other');
    expect((await ground.workspaces.snapshot(workspace)).tree).toBe(snapshot.tree);
    await go(workspace, snapshot, second);
    expect((await ground.workspaces.snapshot(workspace)).tree).toBe(second.tree);
    await ground.workspaces.writing(workspace, async () => {
      const during = await ground.workspaces.snapshot(workspace);
      expect(await ground.workspaces.snapshot(workspace)).not.toBe(during);
    });
  });

  it('brings everything back: links, modes, empty directories, names of any bytes, closed directories', async () => {
    const workspace = await fresh();
    const before = await state(
      workspace,
      `mkdir -p d/e empty deep/er closed; echo text >d/e/f; printf 'a\\0b\\377' >binary; ln -s d/e link; ln -s nowhere dangling
       echo 1 >'new
line'; echo 2 >"$(printf 'caf\\351')"; echo 3 >'日本'; echo 4 >'"q"'; echo 5 >closed/in; chmod 500 closed; chmod 4755 binary
       mkdir was-dir; echo 6 >was-dir/x; echo 7 >was-file; ln -s binary was-link`,
    );
    const after = await state(
      workspace,
      `rm -rf d empty 'new
line' link; echo changed >binary; ln -s x d; echo >deep/er/more; mkdir -p new/dir; chmod 700 closed; rm closed/in; echo 8 >closed/other; chmod 100 closed
       rm -rf was-dir was-file was-link; echo 9 >was-dir; mkdir -p was-file/y was-link; echo 10 >was-file/y/z; rm -f caf* 日本; chmod 000 dangling 2>/dev/null; true`,
    );
    await go(workspace, after.snapshot, before.snapshot);
    expect(await portrait(workspace)).toBe(before.seen);
    await go(workspace, before.snapshot, after.snapshot);
    expect((await ground.workspaces.snapshot(workspace)).tree).toBe(after.snapshot.tree);
    await go(workspace, after.snapshot, before.snapshot);
    expect(await portrait(workspace)).toBe(before.seen);
  });

  it('and any sequence of operations after it: what is gone back to is the same to the last byte', async () => {
    const name = fc.constantFrom('a', 'b', 'd', 'd/c', 'd/e', 'd/e/f', 'ü', 'x y', 'd/-n');
    const operation = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          op: fc.constant('write' as const),
          name,
          bytes: fc.uint8Array({ maxLength: 30 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), name }) },
      fc.record({ op: fc.constant('mkdir' as const), name }),
      fc.record({ op: fc.constant('link' as const), name, to: name }),
      fc.record({
        op: fc.constant('mode' as const),
        name,
        mode: fc.constantFrom('600', '755', '700', '444', '500'),
      }),
      fc.record({ op: fc.constant('rename' as const), name, to: name }),
    );
    const operations = fc.array(operation, { minLength: 1, maxLength: 12 });
    type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
    /** Below them nothing is, which the kernel says in a word of its own (ELOOP). */
    const linksInACircle: Operation[] = [
      { op: 'remove', name: 'd' },
      { op: 'link', name: 'd', to: 'a' },
      { op: 'link', name: 'a', to: 'a' },
    ];
    const command = (step: Operation): string => {
      const path = `'./${step.name}'`;
      switch (step.op) {
        case 'write':
          return `mkdir -p "$(dirname ${path})" && echo ${Buffer.from(step.bytes).toString('base64')} | base64 -d >${path}`;
        case 'remove':
          return `rm -rf ${path}`;
        case 'mkdir':
          return `mkdir -p ${path}`;
        case 'link':
          return `ln -sfn '${step.to}' ${path}`;
        case 'mode':
          return `chmod ${step.mode} ${path}`;
        case 'rename':
          return `mv -T ${path} './${step.to}'`;
      }
    };
    // An operation that makes no sense where it stands fails, and is none.
    const script = (steps: Operation[]) => `{ ${steps.map(command).join('\n')}\n} 2>/dev/null; true`;
    const workspace = await fresh();
    await fc.assert(
      fc.asyncProperty(operations, operations, async (first, second) => {
        const before = await state(workspace, `chmod -R u+rwX . ; rm -rf ./* ; ${script(first)}`);
        const after = await state(workspace, script(second));
        await go(workspace, after.snapshot, before.snapshot);
        expect(await portrait(workspace)).toBe(before.seen);
        await go(workspace, before.snapshot, after.snapshot);
        expect(await portrait(workspace)).toBe(after.seen);
      }),
      { numRuns: 10, examples: [[[{ op: 'mkdir', name: 'd/e/f' }], linksInACircle]] },
    );
  });

  it('of a project of some thousand files is gone back to', async () => {
    const workspace = await fresh();
    const before = await state(
      workspace,
      `perl -e 'for $d (0..59){mkdir "d$d"; for $f (0..49){open F,">d$d/f$f"; print F "$d $f\\n" x $f; close F}}'`,
    );
    const after = await state(
      workspace,
      `rm -r d1? ; for d in d2*; do echo more >>$d/f1; done; mkdir new; cp -r d3 new; find d4* -name 'f*7' -exec chmod 755 {} +`,
    );
    const { files } = await go(workspace, after.snapshot, before.snapshot);
    expect(files.length).toBeGreaterThan(500);
    expect(await portrait(workspace)).toBe(before.seen);
  });

  it('is refused with every conflict, and then nothing is changed', async () => {
    const workspace = await fresh();
    const before = await state(
      workspace,
      'mkdir d e; echo 1 >edited; echo 1 >mine; echo 1 >d/gone; echo 1 >linked',
    );
    const after = await state(
      workspace,
      'echo 2 >edited; echo 2 >mine; rm -r d; echo 2 >e/made; echo 2 >linked; echo 2 >apart',
    );
    const now = await state(
      workspace,
      'echo 3 >edited; mkdir d; echo 3 >d/gone; chmod 755 e/made; rm linked; ln -s mine linked',
    );
    await expect(go(workspace, after.snapshot, before.snapshot)).rejects.toMatchObject({
      code: 'E010',
      details: {
        conflicts: ['d', 'd/gone', 'e/made', 'edited', 'linked'].map((path) => ({ path, reason: 'changed' })),
      },
    });
    expect(await portrait(workspace)).toBe(now.seen);
  });

  it('leaves alone what is not touched, and directories that hold more stay', async () => {
    const workspace = await fresh();
    const before = await state(workspace, 'echo 1 >file');
    const after = await state(
      workspace,
      'mkdir -p made/sub other; echo 2 >made/x; echo 2 >file; echo 2 >other/x',
    );
    await ground.agent(
      workspace,
      'mkdir made/sub/node_modules; echo kept >made/sub/node_modules/y; echo later >beside; echo later >other/z',
    );
    expect(await go(workspace, after.snapshot, before.snapshot)).toEqual({
      files: [
        { path: 'file', action: 'modified', size: 2 },
        { path: 'made/x', action: 'deleted', size: 0 },
        { path: 'other/x', action: 'deleted', size: 0 },
      ],
      directories: ['made', 'made/sub', 'other'].map((path) => ({ path, action: 'deleted' })),
      stayed: ['other', 'made/sub', 'made'],
    });
    expect(await ground.agent(workspace, 'find . -type f | sort')).toBe(
      './beside\n./file\n./made/sub/node_modules/y\n./other/z\n',
    );
  });

  it('says which files were too large to be kept, before anything is done', async () => {
    const workspace = await fresh();
    const before = await state(workspace, 'head -c 1100000 /dev/zero >large; echo 1 >small; mkfifo pipe');
    const after = await state(workspace, 'rm large pipe; echo 2 >small');
    await expect(go(workspace, after.snapshot, before.snapshot)).rejects.toMatchObject({
      details: {
        conflicts: [
          { path: 'large', reason: 'not-kept' },
          { path: 'pipe', reason: 'not-kept' },
        ],
      },
    });
    expect(await portrait(workspace)).toBe(after.seen);
  });

  it('past what a store may hold is told and not kept', async () => {
    const small = await workspaceGround({ SNAPSHOT_STORE_MAX_BYTES: '10' });
    try {
      const workspace = await small.workspaces.open('user', 'project');
      await small.agent(workspace, 'echo 1 >a; head -c 1000 /dev/urandom >b; head -c 1000 /dev/urandom >c');
      const before = await small.workspaces.snapshot(workspace);
      await small.agent(workspace, 'rm a b c');
      const after = await small.workspaces.snapshot(workspace);
      expect((await small.workspaces.changes(workspace, before, after)).files).toHaveLength(3);
      await expect(
        small.workspaces.transit(workspace, { from: after.tree, to: before.tree }),
      ).rejects.toMatchObject({ code: 'E010' });
      expect(await small.kept(workspace, 'find objects -type f | wc -l')).not.toBe('3\n');
    } finally {
      await small.clear();
    }
  });

  it('whose content is damaged is an error and never other content', async () => {
    const workspace = await fresh();
    const before = await state(workspace, 'echo one >file');
    const after = await state(workspace, 'echo two >file');
    await ground.kept(workspace, 'for f in objects/*/*; do echo rubbish >$f; done');
    await expect(go(workspace, after.snapshot, before.snapshot)).rejects.toMatchObject({ code: 'E099' });
    expect(await portrait(workspace)).toBe(after.seen);
    await ground.kept(workspace, `cp trees/${after.snapshot.tree} trees/${before.snapshot.tree}`);
    await expect(go(workspace, after.snapshot, before.snapshot)).rejects.toMatchObject({ code: 'E099' });
    expect(await portrait(workspace)).toBe(after.seen);
  });

  it('is wholly there or not at all, at whatever moment the way to it is cut off', async () => {
    const workspace = await fresh();
    const before = await state(
      workspace,
      'mkdir -p d/e; echo 1 >a; echo 1 >d/e/f; mkdir closed l; echo 1 >closed/y; chmod 500 closed; mkdir real; echo r >real/x; echo 1 >l/x',
    );
    const after = await state(
      workspace,
      'echo 2 >a; rm -r d; echo 2 >d; chmod 700 closed; rm closed/y; chmod 500 closed; rm -r l; ln -s real l',
    );
    const states = new Map([
      [before.seen, before.snapshot],
      [after.seen, after.snapshot],
    ]);
    let [here, there] = [after, before];
    let outcomes = new Set<string>();
    let died = true;
    for (let dieAt = 0; died; dieAt += 1) {
      const request = {
        op: 'transit',
        from: here.snapshot.tree,
        to: there.snapshot.tree,
        dieAt,
        ...LIMITS,
      } as const;
      died = await ground.housekeeping.ask(workspace, request, DONE).then(
        () => false,
        (error: unknown) => {
          // It must have died, and not have been refused.
          expect(error).toMatchObject({ cause: { message: expect.stringContaining('SIGKILL') } });
          return true;
        },
      );
      if (died && dieAt % 3 === 2)
        // Once more in the middle of the repair.
        await ground.housekeeping
          .ask(workspace, { op: 'recover', dieAt: dieAt % 5 }, DONE)
          .catch(() => undefined);
      // The next server, before anybody reads anything.
      await ground.restarted().find(workspace.userId, workspace.projectId);
      const seen = await portrait(workspace);
      expect(states.has(seen)).toBe(true);
      outcomes = outcomes.add(seen === there.seen ? 'new' : 'old');
      if (seen === there.seen) [here, there] = [there, here];
    }
    expect(outcomes).toEqual(new Set(['old', 'new']));
    expect(await ground.agent(workspace, 'ls -A')).not.toContain('.caisson');
    expect(await ground.kept(workspace, 'ls')).not.toContain('journal');
  });

  it('waits for whoever reads, and is refused while an execution writes', async () => {
    const workspace = await fresh();
    const before = await state(workspace, 'echo 1 >file');
    const after = await state(workspace, 'echo 2 >file');
    await ground.workspaces.writing(workspace, async () => {
      await expect(go(workspace, after.snapshot, before.snapshot)).rejects.toMatchObject({ code: 'E010' });
    });
    const [, bytes] = await Promise.all([
      go(workspace, after.snapshot, before.snapshot),
      ground.get(workspace, 'file'),
    ]);
    expect(String(bytes)).toBe('1\n');
  });

  it('of a copy tells what was done to the copy; the workspace is as it was', async () => {
    const workspace = await fresh();
    const { snapshot, seen } = await state(
      workspace,
      'mkdir -p d/node_modules/m .git closed; echo 1 >d/f; echo m >d/node_modules/m/x; echo g >.git/config; ln -s d l; echo 1 >closed/x; chmod 000 closed; mkfifo p',
    );
    const copy = await ground.workspaces.copy(workspace);
    const before = await ground.workspaces.snapshot(copy);
    expect(before.tree).toBe(snapshot.tree);
    expect(
      await ground.agent(
        copy,
        'cat d/node_modules/m/x .git/config; echo 2 >d/f; echo 2 >new; mkdir -p x/y; chmod 000 x',
      ),
    ).toBe('m\ng\n');
    const after = await ground.workspaces.snapshot(copy);
    const { files } = await ground.workspaces.changes(copy, before, after);
    expect(files.map(({ path, action }) => [path, action])).toEqual([
      ['d/f', 'modified'],
      ['new', 'created'],
    ]);
    await ground.workspaces.discard(copy);
    await expect(ground.agent(copy, 'true')).rejects.toThrow();
    expect(await portrait(workspace)).toBe(seen);
    await go(workspace, before, after);
    expect((await ground.workspaces.snapshot(workspace)).tree).toBe(after.tree);
  });

  it('a copy that a death left behind is removed at the next start', async () => {
    const workspace = await fresh();
    await ground.agent(workspace, 'echo 1 >file');
    const copy = await ground.workspaces.copy(workspace);
    await ground.restarted().onModuleInit();
    await expect(
      ground.agent(workspace, 'true').then(async () => {
        for (;;) await ground.agent(copy, 'true');
      }),
    ).rejects.toThrow();
    expect(await ground.agent(workspace, 'ls')).toBe('file\n');
  });
});
