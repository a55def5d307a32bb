/** What uploads and downloads promise: the tree that came is the tree that goes, whole or not at all. */
import fc from 'fast-check';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Archives } from '../../src/workspaces/archives.js';
import type { Workspace } from '../../src/workspaces/workspace.js';
import { tar, tarGz, type TarMember, zip, zip64 } from '../support/hostile-archives.js';
import { until } from '../support/processes.js';
import { archivesOn, workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

describe('a tree of files', () => {
  let ground: WorkspaceGround;
  let archives: Archives;
  let count = 0;

  beforeAll(async () => {
    ground = await workspaceGround();
    archives = archivesOn(ground);
  });
  afterAll(() => ground.clear());

  const fresh = () => ground.workspaces.open('user', `project-${(count += 1)}`);
  const upload = (
    workspace: Workspace,
    content: Buffer | Readable,
    options: Partial<Parameters<Archives['unpack']>[1]> = {},
  ) =>
    archives.unpack(workspace, {
      format: 'tar.gz',
      into: '',
      mode: 'merge',
      content: Buffer.isBuffer(content) ? Readable.from([content]) : content,
      signal: new AbortController().signal,
      ...options,
    });
  async function download(
    workspace: Workspace,
    options: Partial<Parameters<Archives['pack']>[1]> = {},
  ): Promise<Buffer> {
    let packed = Buffer.alloc(0);
    await archives.pack(
      workspace,
      { format: 'tar.gz', path: '', everything: true, ...options },
      async (content) => {
        packed = await buffer(content);
      },
    );
    return packed;
  }
  /** Every name with its kind, mode, target and content, the way somebody in the workspace sees it. */
  const tree = (workspace: Workspace) =>
    ground.agent(
      workspace,
      'find . -mindepth 1 -printf "%p|%y|%m|%l\\n" | sort; find . -type f -print0 | sort -z | xargs -0r sha256sum --',
    );

  const name = fc
    .oneof(
      fc.stringMatching(/^[a-zA-Z0-9 ._'"$;*-]{1,12}$/),
      fc.constantFrom(
        'ü',
        '日本語',
        '😀',
        '__proto__',
        '.git',
        'node_modules',
        'x'.repeat(200),
        '-rf',
        'é'.repeat(100),
      ),
    )
    .filter((text) => !['.', '..'].includes(text));
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const entry = fc.oneof(
    fc.record({
      kind: fc.constant('file' as const),
      path,
      mode: fc.integer({ min: 0, max: 0o177 }).map((mode) => mode | 0o600),
      content: fc.uint8Array({ maxLength: 2000 }),
    }),
    fc.record({ kind: fc.constant('directory' as const), path, mode: fc.constantFrom(0o700, 0o755, 0o711) }),
    fc.record({ kind: fc.constant('link' as const), path, target: path }),
  );

  it.each(['tar.gz', 'zip'] as const)('comes back from a %s as it was', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 12 }), async (entries) => {
        const taken = new Set<string>();
        const members: TarMember[] = [];
        for (const item of entries) {
          const parts = item.path.split('/');
          const above = parts.map((_, index) => parts.slice(0, index).join('/'));
          if ([item.path, ...above].some((at) => taken.has(at)) || Buffer.byteLength(item.path) > 100)
            continue;
          if ([...taken].some((at) => at.startsWith(`${item.path}/`))) continue;
          if (item.kind !== 'directory') taken.add(item.path);
          if (
            members.some(
              (member) => String(member.name).startsWith(`${item.path}/`) || member.name === item.path,
            )
          )
            continue;
          if (item.kind === 'file')
            members.push({ name: item.path, mode: item.mode, content: Buffer.from(item.content) });
          else if (item.kind === 'directory') members.push({ name: item.path, type: '5', mode: item.mode });
          else if (Buffer.byteLength(item.target) < 100)
            members.push({ name: item.path, type: '2', link: item.target });
        }
        const [first, second] = [await fresh(), await fresh()];
        await upload(first, tarGz(...members));
        const packed = await download(first, { format });
        const again = await upload(second, packed, { format });
        expect(again.files).toBe(members.filter(({ type }) => type === undefined).length);
        expect(await tree(second)).toBe(await tree(first));
      }),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it('that tools made is taken: ./ before names, directories with /, gzip in pieces, long names', async () => {
    const workspace = await fresh();
    await ground.agent(
      workspace,
      `mkdir -p a/b $(printf 'long%.0s' $(seq 50))/deep; echo 1 >a/b/f; ln a/b/f a/hard; ln -s b/f a/soft; chmod 750 a; echo 2 >$(printf 'long%.0s' $(seq 50))/deep/file; tar czf /tmp/gnu.tgz . && tar --format=pax -czf /tmp/pax.tgz . && mv /tmp/*.tgz .`,
    );
    const expected = (await tree(workspace)).replace(/^.*tgz.*\n/gm, '');
    for (const archive of ['gnu.tgz', 'pax.tgz']) {
      const target = await fresh();
      expect(await upload(target, await ground.get(workspace, archive))).toEqual({ files: 3, bytes: 4 });
      expect(await tree(target)).toBe(expected);
    }
    const target = await fresh();
    const whole = tar({ name: 'f', content: 'in two members' });
    await upload(target, Buffer.concat([gzipSync(whole.subarray(0, 700)), gzipSync(whole.subarray(700))]));
    expect(String(await ground.get(target, 'f'))).toBe('in two members');
  });

  it('is taken from a zip with sizes and places of 64 bits', async () => {
    const workspace = await fresh();
    const archive = zip64([
      { name: 'a', content: 'first' },
      { name: 'd/b', content: 'second' },
    ]);
    expect(await upload(workspace, archive, { format: 'zip' })).toEqual({ files: 2, bytes: 11 });
    expect(await ground.agent(workspace, 'cat a d/b')).toBe('firstsecond');
  });

  it('is packed without what is left out of changes, unless asked, and from a directory on', async () => {
    const workspace = await fresh();
    await upload(
      workspace,
      tarGz(
        { name: 'app/src/f', content: 'f' },
        { name: 'app/node_modules/m/index.js', content: 'm' },
        { name: '.git/config', content: 'g' },
      ),
    );
    const namesOf = async (options: Parameters<typeof download>[1]) => {
      const target = await fresh();
      await upload(target, await download(workspace, options));
      return (await ground.workspaces.list(target))
        .filter(({ type }) => type === 'file')
        .map((file) => file.path);
    };
    expect(await namesOf({ everything: false })).toEqual(['app/src/f']);
    expect(await namesOf({ everything: true })).toEqual([
      '.git/config',
      'app/node_modules/m/index.js',
      'app/src/f',
    ]);
    expect(await namesOf({ everything: false, path: 'app' })).toEqual(['src/f']);
    await expect(download(workspace, { path: 'app/src/f' })).rejects.toMatchObject({ code: 'E003' });
    await expect(download(workspace, { path: 'nothing' })).rejects.toMatchObject({ code: 'E009' });
  });

  it('is packed without special files, with links unfollowed, and with every name', async () => {
    const workspace = await fresh();
    await ground.agent(
      workspace,
      `mkfifo fifo; ln -s /etc/passwd out; printf x >"$(printf 'a\\377b')"; printf y >'back\\slash'; printf z >'C:drive'; echo >closed; chmod 000 closed`,
    );
    const packed = await download(workspace);
    const names = await ground.agent(
      workspace,
      `cat >/tmp/t.tgz <<'END'\n${packed.toString('base64')}\nEND\nbase64 -d /tmp/t.tgz | tar tzvf - | sed 's/^\\(.\\)[^:]*:.. /\\1 /'`,
    );
    expect(names.trim().split('\n').sort()).toEqual(
      ['- "a\\\\377b"', '- C:drive', '- back\\\\slash', 'l out -> /etc/passwd'].sort(),
    );
    await expect(download(workspace, { format: 'zip' })).rejects.toMatchObject({ code: 'E003' });
  });

  describe('that is put in place', () => {
    const files = async (workspace: Workspace) => {
      const listed = await ground.workspaces.list(workspace);
      return Promise.all(
        listed
          .filter(({ type }) => type === 'file')
          .map(async (file) => [file.path, String(await ground.get(workspace, file.path))]),
      );
    };
    const withOld = async () => {
      const workspace = await fresh();
      await upload(
        workspace,
        tarGz(
          { name: 'd/old', content: 'old' },
          { name: 'd/both', content: 'old' },
          { name: 'top', content: 'old' },
        ),
      );
      return workspace;
    };
    const incoming = tarGz({ name: 'both', content: 'new' }, { name: 'new', content: 'new' });

    it('merges with what is there', async () => {
      const workspace = await withOld();
      expect(await upload(workspace, incoming, { into: 'd' })).toEqual({ files: 2, bytes: 6 });
      expect(await files(workspace)).toEqual([
        ['d/both', 'new'],
        ['d/new', 'new'],
        ['d/old', 'old'],
        ['top', 'old'],
      ]);
    });

    it('replaces a directory, or the whole workspace', async () => {
      const workspace = await withOld();
      await upload(workspace, incoming, { into: 'd', mode: 'replace' });
      expect(await files(workspace)).toEqual([
        ['d/both', 'new'],
        ['d/new', 'new'],
        ['top', 'old'],
      ]);
      await upload(workspace, zip([{ name: 'only', content: 'new' }]), { format: 'zip', mode: 'replace' });
      expect(await files(workspace)).toEqual([['only', 'new']]);
    });

    it('makes the directory it goes to, also through a link inside the workspace', async () => {
      const workspace = await withOld();
      await ground.agent(workspace, 'ln -s d link');
      await upload(workspace, incoming, { into: 'a/b/c' });
      await upload(workspace, incoming, { into: 'link/below' });
      expect((await files(workspace)).map(([path]) => path)).toEqual([
        'a/b/c/both',
        'a/b/c/new',
        'd/below/both',
        'd/below/new',
        'd/both',
        'd/old',
        'top',
      ]);
    });

    it('takes the place of a link, not of what the link points to', async () => {
      const workspace = await withOld();
      await ground.agent(workspace, 'ln -s ../top d/new');
      await upload(workspace, incoming, { into: 'd' });
      expect((await files(workspace)).find(([path]) => path === 'top')).toEqual(['top', 'old']);
      expect((await files(workspace)).find(([path]) => path === 'd/new')).toEqual(['d/new', 'new']);
    });

    it('is taken back when one of its moves is not possible', async () => {
      const workspace = await withOld();
      await ground.agent(workspace, 'mkdir closed; echo old >closed/f; chmod 555 closed');
      const before = await tree(workspace);
      const outcome = upload(
        workspace,
        tarGz(
          { name: 'a', content: 'new' },
          { name: 'closed/g', content: 'new' },
          { name: 'd/both', content: 'new' },
          { name: 'top', content: 'new' },
        ),
      );
      await expect(outcome).rejects.toMatchObject({ code: 'E004' });
      expect(await tree(workspace)).toBe(before);
    });
  });

  it('is hidden while it is made ready, and only one is', async () => {
    const workspace = await fresh();
    const content = new Readable({ read() {} });
    const archive = tarGz({ name: 'f', content: 'x' });
    content.push(archive.subarray(0, 30));
    const uploading = upload(workspace, content);
    await until(async () => (await ground.agent(workspace, 'ls -A')).startsWith('.caisson-'));
    expect(await ground.workspaces.list(workspace)).toEqual([]);
    const mark = await ground.workspaces.snapshot(workspace);
    expect((await ground.changesSince(workspace, mark)).files).toEqual([]);
    await expect(upload(workspace, archive)).rejects.toMatchObject({ code: 'E010' });
    content.push(archive.subarray(30));
    content.push(null);
    expect(await uploading).toEqual({ files: 1, bytes: 1 });
    expect(await ground.agent(workspace, 'ls -A')).toBe('f\n');
  });

  it('a directory of an agent that is only named alike is shown and kept', async () => {
    const workspace = await fresh();
    const alike = `.caisson-${'0'.repeat(32)}`;
    await ground.agent(workspace, `mkdir ${alike}; echo >${alike}/f`);
    await upload(workspace, tarGz({ name: 'f', content: 'x' }));
    expect((await ground.workspaces.list(workspace)).map((file) => file.path)).toEqual([
      alike,
      `${alike}/f`,
      'f',
    ]);
  });

  it('waits for a free place no longer than it is told', async () => {
    const workspace = await fresh();
    const giveUp = new AbortController();
    const content = new Readable({ read() {} });
    const uploading = upload(workspace, content, { signal: giveUp.signal });
    await until(async () => (await ground.housekeeping.stagings.of(workspace.id)).length > 0);
    giveUp.abort(Object.assign(new Error('gave up')));
    await expect(uploading).rejects.toBeDefined();
    expect(await ground.agent(workspace, 'ls -A')).toBe('');
  });
});
