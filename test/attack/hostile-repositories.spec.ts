/** Repositories and their addresses that try to run something, to leave, or to fill the disk; and those that are just cloned. */
import type { Archives } from '../../src/workspaces/archives.js';
import { Clones } from '../../src/workspaces/clones.js';
import { Transfers } from '../../src/workspaces/transfers.js';
import type { Workspace } from '../../src/workspaces/workspace.js';
import { DirectoryStorage } from '../../src/workspaces/workspace-storage.js';
import { UnixSocketEgressGateway } from '../../src/egress/unix-socket-egress-gateway.js';
import { EgressGrants } from '../../src/egress/egress-grants.js';
import { Resolver } from '../../src/egress/resolver.js';
import { tarGz } from '../support/hostile-archives.js';
import {
  ELSEWHERE,
  type GitServer,
  gitServer,
  HOST,
  PRIVATE,
  type Repository,
  SILENT,
} from '../support/git-server.js';
import { describeWhere } from '../support/cases.js';
import { until } from '../support/processes.js';
import { asRoot } from '../support/sandbox-ground.js';
import { archivesOn, workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';
import { Readable } from 'node:stream';
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MIB = 1024 * 1024;
const NOBODY = new AbortController().signal;

describeWhere(asRoot, 'only root may listen on port 443')('a repository', () => {
  let directory: string;
  let server: GitServer;
  let ground: WorkspaceGround;
  let egress: UnixSocketEgressGateway;
  let clones: Clones;
  let archives: Archives;
  let count = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'caisson-test-'));
    server = await gitServer(directory);
    ground = await workspaceGround({
      CLONE_HOSTS: HOST,
      CLONE_CA_FILE: server.caFile,
      CLONE_TIMEOUT: '10',
      EGRESS_TEST_LOOPBACK: 'true',
      UPLOAD_UNPACKED_MAX_BYTES: String(4 * MIB),
      UPLOAD_MAX_ENTRIES: '1000',
      UPLOAD_MAX_DEPTH: '16',
    });
    const { config } = ground.sandboxes;
    class Here extends Resolver {
      addressesOf = async () => [server.address];
    }
    egress = new UnixSocketEgressGateway(config, new EgressGrants(ground.database), new Here());
    clones = new Clones(
      new Transfers(ground.housekeeping, new DirectoryStorage(), config),
      ground.housekeeping,
      egress,
      config,
    );
    archives = archivesOn(ground);
  });
  afterAll(async () => {
    await egress.onApplicationShutdown();
    await ground.clear();
    await server.close();
    await rm(directory, { recursive: true });
  });

  const fresh = () => ground.workspaces.open('user', `project-${(count += 1)}`);
  const clone = (workspace: Workspace, url: string, options: Partial<Parameters<Clones['clone']>[1]> = {}) =>
    clones.clone(workspace, { url, into: '', signal: NOBODY, ...options });
  const at = (name: string) => `https://${HOST}/${name}.git`;
  async function serve(name: string, make: (repository: Repository) => string): Promise<string> {
    const repository = await server.repository(name);
    repository.commit(make(repository));
    return at(name);
  }
  async function mustRefuse(
    url: string,
    code: string,
    said: RegExp,
    options: Parameters<typeof clone>[2] = {},
  ) {
    const workspace = await fresh();
    const outcome = await clone(workspace, url, options).catch((error: unknown) => error);
    expect([(outcome as Error).message, outcome]).toMatchObject([expect.stringMatching(said), { code }]);
    expect(await ground.agent(workspace, 'ls -A')).toBe('');
  }

  describe('that is as others are', () => {
    let first: string;
    let second: string;
    beforeAll(async () => {
      const repository = await server.repository('good');
      const readme = repository.blob('read me\n');
      const script = repository.blob('#!/bin/sh\n');
      const link = repository.blob('../README.md');
      const src = repository.tree(['120000', 'link', link], ['100755', 'run.sh', script]);
      first = repository.commit(repository.tree(['100644', 'README.md', readme]));
      second = repository.commit(
        repository.tree(['100644', 'README.md', readme], ['40000', 'src', src]),
        'main',
        first,
      );
      repository.git(['update-ref', 'refs/tags/v1', first]);
      repository.git(['update-ref', 'refs/heads/feature/ü', first]);
    });

    it('[G10] is cloned with its history, links and modes', async () => {
      const workspace = await fresh();
      expect(await clone(workspace, at('good'))).toEqual({
        commit: second,
        ref: 'main',
        files: 3,
        bytes: 30,
      });
      expect(
        await ground.agent(
          workspace,
          'cat src/link; stat -c %a src/run.sh; git log --format=%H; git status --short',
        ),
      ).toBe(`read me\n755\n${second}\n${first}\n`);
      expect(
        await ground.agent(workspace, 'ls -A; ls .git/hooks 2>/dev/null | wc -l; git remote get-url origin'),
      ).toBe(`.git\nREADME.md\nsrc\n0\n${at('good')}\n`);
    });

    it('[G11] is cloned at a branch, a tag or a commit, as deep as asked, into a directory', async () => {
      const workspace = await fresh();
      expect(await clone(workspace, at('good'), { ref: 'v1', into: 'a' })).toMatchObject({
        commit: first,
        ref: 'v1',
        files: 1,
      });
      expect(await clone(workspace, at('good'), { ref: first, depth: 1, into: 'b/c' })).toMatchObject({
        commit: first,
        ref: first,
      });
      expect(await clone(workspace, at('good'), { ref: 'feature/ü', into: 'd' })).toMatchObject({
        commit: first,
      });
      expect(await clone(workspace, at('good'), { depth: 1, into: 'e' })).toMatchObject({ commit: second });
      expect(await ground.agent(workspace, 'git -C e log --format=%H; git -C b/c status --short')).toBe(
        `${second}\n`,
      );
    });

    it('[G12] goes into an empty directory only', async () => {
      const workspace = await fresh();
      await ground.put(workspace, 'd/f', 'kept');
      for (const into of ['', 'd'])
        await expect(clone(workspace, at('good'), { into })).rejects.toMatchObject({ code: 'E010' });
      await expect(clone(workspace, at('good'), { into: 'd/f' })).rejects.toMatchObject({ code: 'E010' });
      expect(await ground.agent(workspace, 'find . -type f')).toBe('./d/f\n');
    });
  });

  it('[G01] is named by an https URL of a host and nothing else', async () => {
    const workspace = await fresh();
    for (const url of [
      'ext::sh -c id',
      'file:///etc',
      '/etc',
      '--upload-pack=touch /tmp/x',
      '-oProxyCommand=x',
      'ssh://-oX/x',
      'git://github.com/x',
      'http://github.com/x',
      'http://169.254.169.254/x',
      'git@github.com:x/y',
      `https://169.254.169.254/x`,
      'https://0x7f000001/x',
      'https://2130706433/x',
      'https://[::1]/x',
      `https://user@${HOST}/x`,
      `https://user:secret@${HOST}/x`,
      `https://@${HOST}/x`,
      `https://${HOST}:8443/x`,
      `https://${HOST}:443/x`,
      `https://${HOST}/x?y`,
      `https://${HOST}/x#y`,
      `https://${HOST}/`,
      `https://${HOST}\\@evil.org/x`,
      `https://${HOST}/x\n`,
      ` https://${HOST}/x`,
      `https:${HOST}/x`,
      `https://${HOST}/${'x'.repeat(3000)}`,
      '',
    ])
      await expect(clone(workspace, url)).rejects.toMatchObject({ code: 'E003' });
    const asked = await clone(workspace, `https://user:secret@${HOST}/x`).catch((error: unknown) =>
      String(error),
    );
    expect(asked).not.toContain('secret');
    expect(await ground.agent(workspace, 'ls -A')).toBe('');
  });

  it('[G13] is taken at what can be a ref', async () => {
    const workspace = await fresh();
    for (const ref of [
      '--upload-pack=x',
      '-b',
      'a..b',
      'a b',
      'a~1',
      'a^',
      'a:b',
      '@{-1}',
      '@',
      'a.lock',
      '/a',
      'a/',
      'a//b',
      '.a',
      'a/.b',
      'a\u202eb',
      'a\nb',
      '',
    ])
      await expect(clone(workspace, at('good'), { ref })).rejects.toMatchObject({ code: 'E003' });
    await mustRefuse(at('good'), 'E009', /Remote branch nothing not found/, { ref: 'nothing' });
    await mustRefuse(at('good'), 'E009', /cannot be cloned/, { ref: '0'.repeat(40) });
  });

  it('[G14] of a host that is not granted is not asked for', async () => {
    await mustRefuse('https://other.example.org/good.git', 'E006', /other\.example\.org is not granted/);
    const workspace = await ground.workspaces.open('user', 'granted');
    await egress.grant('user', 'granted', ['other.example.org']);
    expect(await clone(workspace, 'https://other.example.org/good.git')).toMatchObject({ files: 3 });
  });

  it('[G22] of a host whose grant is taken back while it waits for its turn is not asked for', async () => {
    const workspace = await ground.workspaces.open('user', 'waiting');
    await egress.grant('user', 'waiting', ['other.example.org']);
    const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const writing = ground.workspaces.writing(workspace, () => {
      begun.resolve();
      return over.promise;
    });
    await begun.promise;
    const granted = jest.spyOn(egress, 'grantsOf');
    const cloning = clone(workspace, 'https://other.example.org/good.git').catch((error: unknown) => error);
    await until(() => granted.mock.results.length > 0);
    await granted.mock.results[0]?.value;
    const asked = server.asked.length;
    await egress.grant('user', 'waiting', []);
    over.resolve();
    await writing;
    expect(await cloning).toMatchObject({ code: 'E006' });
    expect(server.asked).toHaveLength(asked);
    granted.mockRestore();
  });

  it('[G23] of a host whose grant is taken back while it is cloned is cut', async () => {
    const workspace = await ground.workspaces.open('user', 'cut');
    await egress.grant('user', 'cut', ['*.example.org']);
    const asked = server.asked.length;
    const cloning = clone(workspace, `https://other.example.org${SILENT}`).catch((error: unknown) => error);
    await until(() => server.asked.length > asked);
    await egress.grant('user', 'cut', []);
    // By git, and not by the time limit.
    expect(await cloning).toMatchObject({ code: 'E009' });
  });

  it('[G15] that sends on to another host, is not there or is private is not followed', async () => {
    await mustRefuse(`https://${HOST}${ELSEWHERE}`, 'E009', /cannot be cloned/);
    await mustRefuse(at('nothing'), 'E009', /not found/);
    await mustRefuse(`https://${HOST}${PRIVATE}`, 'E009', /cannot be cloned/);
    await server.repository('empty');
    await mustRefuse(at('empty'), 'E009', /no commit/);
  });

  it('[G16] that never answers is given up, by us or by the client', async () => {
    const begun = server.asked.length;
    const workspace = await fresh();
    const left = new AbortController();
    const cloning = clone(workspace, `https://${HOST}${SILENT}`, { signal: left.signal });
    await until(() => server.asked.length > begun);
    left.abort(new Error('left'));
    await expect(cloning).rejects.toBeDefined();
    expect(await ground.agent(workspace, 'ls -A')).toBe('');
    await mustRefuse(`https://${HOST}${SILENT}`, 'E001', /10 seconds/);
  });

  it('[G17] with links that lead out is refused, and named', async () => {
    for (const [index, target] of ['/etc/passwd', '../x', 'd/../../x', '/workspace/../etc'].entries())
      await mustRefuse(
        await serve(`link-${index}`, (git) => git.tree(['120000', 'x', git.blob(target)])),
        'E004',
        /"x" is a link that leads out/,
      );
  });

  it('[G18] with names that are none is refused', async () => {
    for (const [index, [name, code]] of (
      [
        ['..', 'E004'],
        ['a\nb', 'E003'],
        ['gpj.\u202etxt', 'E003'],
      ] as const
    ).entries())
      await mustRefuse(
        await serve(`name-${index}`, (git) => git.tree(['100644', name, git.blob('x')])),
        code,
        /./,
      );
    await mustRefuse(
      await serve('bytes', (git) => git.tree(['100644', Buffer.from([0xff, 0xfe]), git.blob('x')])),
      'E003',
      /not UTF-8/,
    );
  });

  it('[G19] with a .git of its own inside is refused, in any spelling', async () => {
    for (const [index, name] of ['.git', '.GIT', '.g\u200cit', 'git~1'].entries()) {
      const url = await serve(`dot-git-${index}`, (git) => {
        const hooks = git.tree(['100755', 'post-checkout', git.blob('#!/bin/sh\ntouch /workspace/ran\n')]);
        return git.tree(['40000', name, git.tree(['40000', 'hooks', hooks])]);
      });
      const workspace = await fresh();
      await expect(clone(workspace, url)).rejects.toMatchObject({ code: expect.stringMatching(/E00[349]/) });
      expect(await ground.agent(workspace, 'ls -A')).toBe('');
    }
  });

  it('[G20] that is a bomb is stopped before it is checked out', async () => {
    await mustRefuse(
      await serve('wide', (git) => {
        let object = git.tree(
          ...Array.from({ length: 10 }, (_, n) => ['100644', `f${n}`, git.blob('x')] as const),
        );
        for (let level = 0; level < 8; level += 1)
          object = git.tree(...Array.from({ length: 10 }, (_, n) => ['40000', `d${n}`, object] as const));
        return object;
      }),
      'E015',
      /1000 entries/,
    );
    await mustRefuse(
      await serve('large', (git) => git.tree(['100644', 'zeros', git.blob(Buffer.alloc(64 * MIB))])),
      'E015',
      /"zeros" makes it more than/,
    );
    await mustRefuse(
      await serve('deep', (git) => {
        let object = git.tree(['100644', 'f', git.blob('x')]);
        for (let level = 0; level < 20; level += 1) object = git.tree(['40000', 'd', object]);
        return object;
      }),
      'E015',
      /deeper than 16/,
    );
    const noise = randomBytes(6 * MIB);
    await mustRefuse(
      await serve('heavy', (git) => {
        git.commit(git.tree(['100644', 'noise', git.blob(noise)]), 'other');
        return git.tree(['100644', 'f', git.blob('x')]);
      }),
      'E015',
      /./,
    );
  });

  it('[G02] runs nothing it brings: filters, submodules, attributes', async () => {
    const url = await serve('filters', (git) =>
      git.tree(
        ['100644', '.gitattributes', git.blob('* filter=evil diff=evil merge=evil\n')],
        ['100644', '.gitconfig', git.blob('[filter "evil"]\n\tsmudge = touch /workspace/ran\n')],
        [
          '100644',
          '.gitmodules',
          git.blob(
            '[submodule "m"]\n\tpath = m\n\turl = ext::touch /workspace/ran\n\tupdate = !touch /workspace/ran\n',
          ),
        ],
        ['100644', 'file', git.blob('x')],
        ['160000', 'm', '1'.repeat(40)],
      ),
    );
    const workspace = await fresh();
    expect(await clone(workspace, url)).toMatchObject({ files: 4 });
    expect(await ground.agent(workspace, 'ls -A; ls -A m | wc -l')).toBe(
      '.git\n.gitattributes\n.gitconfig\n.gitmodules\nfile\nm\n0\n',
    );
  });

  it('[G21] that was uploaded with hooks and a configuration is only files to the server', async () => {
    const workspace = await fresh();
    const config =
      '[core]\n\tfsmonitor = touch /workspace/ran\n\thooksPath = /workspace/.git/hooks\n[diff]\n\texternal = touch /workspace/ran\n';
    await archives.unpack(workspace, {
      ...{ format: 'tar.gz', into: '', mode: 'merge', signal: NOBODY },
      content: Readable.from([
        tarGz(
          { name: '.git/config', content: config },
          { name: '.git/HEAD', content: 'ref: refs/heads/main\n' },
          { name: '.git/hooks/post-checkout', mode: 0o755, content: '#!/bin/sh\ntouch /workspace/ran\n' },
          { name: 'file', content: 'x' },
        ),
      ]),
    });
    const mark = await ground.workspaces.snapshot(workspace);
    await ground.changesSince(workspace, mark);
    await archives.pack(
      workspace,
      { format: 'zip', path: '', everything: true },
      async (content) => void content.resume(),
    );
    await expect(clone(workspace, at('good'))).rejects.toMatchObject({ code: 'E010' });
    await clone(workspace, at('good'), { into: 'beside' });
    expect(await ground.agent(workspace, 'ls -A')).toBe('.git\nbeside\nfile\n');
  });
});
