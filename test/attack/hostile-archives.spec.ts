/** Archives that try to leave the workspace, to fill it, or to mean two things: refused whole, and nothing has changed. */
import { createGzip, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Archives } from '../../src/workspaces/archives.js';
import type { Workspace } from '../../src/workspaces/workspace.js';
import { pax, tar, tarGz, type TarMember, zip, zip64, type ZipMember } from '../support/hostile-archives.js';
import { archivesOn, workspaceGround, type WorkspaceGround } from '../support/workspace-ground.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const LINK = 0o120777;

describe('a hostile archive', () => {
  let ground: WorkspaceGround;
  let archives: Archives;
  let workspace: Workspace;
  let before: string;

  beforeAll(async () => {
    ground = await workspaceGround({
      UPLOAD_MAX_BYTES: String(2 * MIB),
      UPLOAD_UNPACKED_MAX_BYTES: String(16 * MIB),
      UPLOAD_MAX_ENTRIES: '1000',
      UPLOAD_MAX_DEPTH: '16',
    });
    archives = archivesOn(ground);
    workspace = await ground.workspaces.open('user', 'project');
    await ground.put(workspace, 'src/kept.js', 'kept');
    await ground.agent(
      workspace,
      'mkdir -p dir/sub a; echo x >dir/sub/f; ln -s src/kept.js link; ln -s / out; ln -s /tmp/x dangling; mkdir -p .git/hooks; mkfifo fifo',
    );
    before = await state();
  });
  afterAll(() => ground.clear());

  /** Everything that can be told of the workspace, by the API and by somebody who looks for himself. */
  const state = async () =>
    JSON.stringify(await ground.workspaces.list(workspace)) +
    (await ground.agent(
      workspace,
      'find . -printf "%p %y %m %s %l %T@\\n" | grep -v "^\\. " | sort; cat src/kept.js',
    ));

  const upload = (
    archive: Buffer | Readable,
    options: { format?: 'tar.gz' | 'zip'; into?: string; mode?: 'merge' | 'replace' } = {},
  ) =>
    archives.unpack(workspace, {
      format: 'tar.gz',
      into: '',
      mode: 'merge',
      content: Buffer.isBuffer(archive) ? Readable.from([archive]) : archive,
      signal: new AbortController().signal,
      ...options,
    });

  async function mustRefuse(upload: Promise<unknown>, code: string, said?: string | RegExp): Promise<void> {
    const outcome = await upload.catch((error: unknown) => error);
    expect(outcome).toMatchObject({
      code,
      ...(said === undefined ? {} : { message: expect.stringMatching(said) }),
    });
  }
  // Each test refuses one or more uploads; none of them has changed anything.
  afterEach(async () => expect(await state()).toBe(before));

  const file = (name: string): TarMember => ({ name, content: 'x' });
  const good = file('good.txt');

  describe.each(['tar.gz', 'zip'] as const)('as %s', (format) => {
    const packed = (...names: string[]) =>
      format === 'zip'
        ? zip(names.map((name) => ({ name, content: 'x' })))
        : tarGz(...names.map((name) => ({ name, content: 'x' })));

    it.each([
      ['[Z01] that lead out', 'E004', ['../../x', '/abs', 'C:\\x', 'a/../../b']],
      [
        '[Z04] that lead out elsewhere',
        'E004',
        ['..', 'a/..', '..\\..\\x', '\\\\host\\share\\x', 'c:/x', '//x'],
      ],
      [
        '[Z05] that look like others',
        'E003',
        ['a\nb', 'gpj.\u202etxt', 'a\u2066b', 'a\x7fb', 'a//b', 'a/./b'],
      ],
      ['[Z06] that lie too deep', 'E015', ['a/'.repeat(20) + 'deep']],
    ])('%s refuse the whole with %s and are named', async (_, code, names) => {
      for (const name of names) {
        const outcome = await upload(packed('good.txt', name), { format }).catch((error: unknown) => error);
        expect(outcome).toMatchObject({ code, details: { entry: expect.stringMatching(/^".*"$/) } });
        expect((outcome as { details: { entry: string } }).details.entry).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    });

    it('[Z07] the same path twice, and a file where a directory is, are refused', async () => {
      await mustRefuse(
        upload(packed('good.txt', 'good.txt'), { format }),
        'E003',
        /"good\.txt" is in the archive twice/,
      );
      await mustRefuse(upload(packed('good.txt', 'good.txt/below'), { format }), 'E003', /below a file/);
      await mustRefuse(upload(packed('d/below', 'd'), { format }), 'E003', /twice/);
    });

    it("[Z08] a directory and something else never take each other's place", async () => {
      await mustRefuse(
        upload(packed('aaa', 'dir'), { format }),
        'E010',
        /"dir" is a directory in the workspace/,
      );
      await mustRefuse(
        upload(packed('aaa', 'src/kept.js/x'), { format }),
        'E010',
        /"src\/kept\.js" is a directory in the upload/,
      );
    });

    it('[P31] a link of the workspace is not followed, wherever it leads', async () => {
      await mustRefuse(upload(packed('out/tmp/x'), { format }), 'E010', /"out" is a directory in the upload/);
      await mustRefuse(upload(packed('x'), { format, into: 'out/tmp' }), 'E004');
      await mustRefuse(upload(packed('x'), { format, into: 'dangling' }), 'E004');
      await mustRefuse(upload(packed('x'), { format, into: 'link' }), 'E010');
    });

    it('[Z09] what is no archive, or another one, is refused', async () => {
      for (const bytes of [
        Buffer.alloc(0),
        Buffer.from('hello'),
        format === 'zip' ? tarGz(good) : zip([{ name: 'x' }]),
      ])
        await mustRefuse(upload(bytes, { format }), 'E003', /no valid/);
    });

    it('[Z10] one that is cut anywhere is refused', async () => {
      const archive = packed('good.txt', 'd/other.txt');
      for (const length of [1, 20, archive.length >> 1, archive.length - 1])
        await mustRefuse(upload(archive.subarray(0, length), { format }), 'E003');
    });

    it('[Z11] more bytes after its end are refused', async () => {
      await mustRefuse(
        upload(Buffer.concat([packed('good.txt'), Buffer.from('garbage')]), { format }),
        'E003',
      );
    });

    it('[Z25] more entries than are taken', async () => {
      await mustRefuse(
        upload(packed(...Array.from({ length: 1001 }, (_, n) => `f${n}`)), { format }),
        'E015',
        /1000 entries/,
      );
    });

    it('[Z12] an archive inside an archive is a file', async () => {
      const target = await ground.workspaces.open('user', `nested-${format}`);
      const inner = packed('../../x');
      const outer =
        format === 'zip'
          ? zip([{ name: 'inner', content: inner }])
          : tarGz({ name: 'inner', content: inner });
      await archives.unpack(target, {
        format,
        into: '',
        mode: 'merge',
        content: Readable.from([outer]),
        signal: new AbortController().signal,
      });
      expect(await ground.get(target, 'inner')).toEqual(inner);
    });
  });

  describe('with links', () => {
    it('[Z13] whose target leads out, in whatever way, are refused', async () => {
      for (const [target, name] of [
        ['/etc/passwd', 'x'],
        ['../x', 'x'],
        ['../../../x', 'd/e/x'],
        ['d/../../x', 'x'],
        // Through what may be another link.
        ['d/../..', 'e/x'],
        ['/var/lib/caisson/workspaces/x', 'x'],
        ['/workspace/../etc/passwd', 'x'],
        ['/workspace2/x', 'x'],
        ['/proc/self/root', 'x'],
      ] as const) {
        await mustRefuse(
          upload(tarGz(good, { name, type: '2', link: target })),
          'E004',
          /leads out of the workspace/,
        );
        await mustRefuse(
          upload(zip([{ name, content: target, mode: LINK }]), { format: 'zip' }),
          'E004',
          /leads out/,
        );
      }
    });

    it('[Z14] a link and then a file through it', async () => {
      for (const link of ['/tmp', '.', 'dir'])
        await mustRefuse(upload(tarGz({ name: 'l', type: '2', link }, file('l/f'))), 'E004');
      await mustRefuse(
        upload(zip([{ name: 'l', content: 'dir', mode: LINK }, { name: 'l/f' }]), { format: 'zip' }),
        'E004',
        /through a link/,
      );
      await mustRefuse(upload(tarGz({ name: 'l', type: '2', link: 'dir' }, file('l'))), 'E003', /twice/);
      await mustRefuse(
        upload(tarGz({ name: 'l', type: '2', link: 'dir' }, { name: 'l', type: '5' })),
        'E003',
        /twice/,
      );
    });

    it('[Z15] a hard link to anything but an earlier file of the archive', async () => {
      for (const link of ['/etc/passwd', '../../etc/passwd', 'src/kept.js', 'nothing', 'x'])
        await mustRefuse(upload(tarGz(good, { name: 'x', type: '1', link })), 'E004');
      await mustRefuse(
        upload(tarGz({ name: 's', type: '2', link: 'dir' }, { name: 'x', type: '1', link: 's' })),
        'E004',
        /hard link/,
      );
    });

    it('[Z16] a target that is no path', async () => {
      await mustRefuse(upload(tarGz({ name: 'x', type: '2' })), 'E003', /no path/);
      await mustRefuse(upload(tarGz({ name: 'x', type: '2', link: 'a\u202eb' })), 'E003', /invisible/);
      await mustRefuse(
        upload(zip([{ name: 'x', content: 'a'.repeat(5000), mode: LINK }]), { format: 'zip' }),
        'E003',
        /no path/,
      );
    });
  });

  it('[Z17] devices, FIFOs, sockets and what nobody knows are refused', async () => {
    for (const [type, shown] of [
      ['3', 'character-device'],
      ['4', 'block-device'],
      ['6', 'fifo'],
      ['S', 'unknown'],
      ['Z', 'unknown'],
    ] as const)
      await mustRefuse(upload(tarGz(good, { name: 'x', type })), 'E003', new RegExp(`is a ${shown}`));
    for (const mode of [0o010666, 0o020666, 0o060666, 0o140666])
      await mustRefuse(upload(zip([{ name: 'x', mode }]), { format: 'zip' }), 'E003', /neither a file/);
  });

  it('[P15] setuid, setgid and sticky bits are taken off', async () => {
    const target = await ground.workspaces.open('user', 'bits');
    const signal = new AbortController().signal;
    const rest = { into: '', mode: 'merge', signal } as const;
    await archives.unpack(target, {
      ...rest,
      format: 'tar.gz',
      content: Readable.from([
        tarGz(
          { name: 't', mode: 0o7755, content: 'x' },
          { name: 'd', type: '5', mode: 0o7777 },
          { name: 'none', mode: 0 },
        ),
      ]),
    });
    await archives.unpack(target, {
      ...rest,
      format: 'zip',
      content: Readable.from([zip([{ name: 'z', mode: 0o106755 }])]),
    });
    expect(await ground.agent(target, 'find . -mindepth 1 -printf "%p %m\\n" | sort')).toBe(
      './d 777\n./none 600\n./t 755\n./z 755\n',
    );
  });

  describe('as a bomb', () => {
    it('[Z03] 10 GiB of zeros in a tar.gz is stopped by its ratio, or by its announced size', async () => {
      const zeros = Buffer.alloc(MIB);
      const header = tar({ name: 'zeros', size: 10 * MIB }).subarray(0, 512);
      async function* endless() {
        yield header;
        for (let round = 0; round < 10 * KIB; round += 1) yield zeros;
      }
      const gzip = createGzip();
      pipeline(Readable.from(endless()), gzip).catch(() => undefined);
      await mustRefuse(upload(gzip), 'E015', /200 times/);
      gzip.destroy();
      const announced = new Readable({ read() {} });
      announced.push(
        gzipSync(Buffer.concat([tar({ name: 'zeros', size: 4 * KIB * MIB }), zeros])).subarray(0, -8),
      );
      await mustRefuse(upload(announced), 'E015', /more than \d+ bytes/);
    });

    it('[Z26] many zeros in a zip are stopped before one is unpacked', async () => {
      const zeros = Buffer.alloc(15 * MIB);
      await mustRefuse(
        upload(zip([{ name: 'zeros', content: zeros }]), { format: 'zip' }),
        'E015',
        /200 times/,
      );
    });

    it("[Z27] entries that share their bytes, as 42.zip's successors do", async () => {
      const content = Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 251));
      const members: ZipMember[] = [
        { name: 'a', content },
        { name: 'b', content, lie: { offset: 0, localName: 'a' } },
      ];
      await mustRefuse(upload(zip(members), { format: 'zip' }), 'E003', /two different names/);
      await mustRefuse(
        upload(
          zip([
            { name: 'a', content },
            { name: 'a', content, lie: { offset: 0 } },
          ]),
          { format: 'zip' },
        ),
        'E003',
        /shares bytes/,
      );
    });

    it('[Z18] an archive that is too large as it is', async () => {
      const noise = Buffer.from(Array.from({ length: 3 * MIB }, (_, n) => (n * 2654435761) >>> 13));
      await mustRefuse(
        upload(gzipSync(tar({ name: 'noise', content: noise }), { level: 0 })),
        'E015',
        /larger than 2097152 bytes/,
      );
      await mustRefuse(upload(noise, { format: 'zip' }), 'E015', /larger than 2097152 bytes/);
    });

    it('[Z19] headers without end are bounded', async () => {
      await mustRefuse(
        upload(tarGz(pax({ comment: 'x'.repeat(5 * MIB) }), good)),
        'E003',
        /exceeds max size/,
      );
      await mustRefuse(upload(tarGz({ name: 'L', type: 'L', size: 2 ** 32, content: 'x' })), 'E003');
      await mustRefuse(upload(tarGz(pax({ path: 'a'.repeat(5000) }), good)), 'E003', /longer than/);
      await mustRefuse(upload(tarGz(pax({ path: '../../x' }), good)), 'E004');
      await mustRefuse(upload(tarGz(pax({ size: '99999999999' }), good)), 'E015');
      await mustRefuse(
        upload(tarGz(pax({ 'GNU.sparse.realsize': '1099511627776' }), good)),
        'E003',
        /sparse/,
      );
    });
  });

  it('[Z20] a zip that lies is refused', async () => {
    const lies: [ZipMember['lie'] & object, RegExp][] = [
      [{ size: 1 }, /cannot be unpacked/],
      [{ size: 100 }, /cannot be unpacked/],
      [{ crc: 1 }, /checksum/],
      [{ flags: 0x801 }, /encrypted/],
      [{ flags: 0x840 }, /encryption/],
      [{ method: 99 }, /method/],
      [{ localName: 'other' }, /two different names/],
      [{ offset: 0x7fffffff }, /no valid zip/],
      [{ compressedSize: 0x7fffffff }, /no valid zip/],
    ];
    for (const [lie, said] of lies)
      await mustRefuse(
        upload(zip([{ name: 'x', content: 'content', lie }]), { format: 'zip' }),
        'E003',
        said,
      );
    // A size of a zip64, without the field that would hold it: it is taken as it is, and is too much.
    await mustRefuse(upload(zip([{ name: 'x', lie: { size: 0xffffffff } }]), { format: 'zip' }), 'E015');
  });

  it('[Z21] a zip that lies about how many entries it has is refused', async () => {
    await mustRefuse(upload(zip([{ name: 'x' }], 2), { format: 'zip' }), 'E003');
    await mustRefuse(upload(zip([{ name: 'x' }], 65_000), { format: 'zip' }), 'E015');
  });

  it('[Z28] a zip that lies in 64 bits is refused', async () => {
    const members = [{ name: 'x', content: 'content' }];
    const lies: [Parameters<typeof zip64>[1], string, RegExp?][] = [
      [{ size: 5n * 2n ** 30n }, 'E015'],
      [{ size: 2n ** 64n - 1n }, 'E015'],
      [{ size: 8n }, 'E003', /cannot be unpacked/],
      [{ count: 2n ** 40n }, 'E015', /1000 entries/],
      [{ count: 2n ** 64n - 1n }, 'E015', /1000 entries/],
      [{ count: 2n }, 'E003', /no valid zip/],
      [{ offset: 2n ** 40n }, 'E003', /no valid zip/],
      [{ directory: 2n ** 40n }, 'E003', /no valid zip/],
      [{ directory: 0n }, 'E003', /no valid zip/],
    ];
    for (const [lie, code, said] of lies)
      await mustRefuse(upload(zip64(members, lie), { format: 'zip' }), code, said);
    // Without the locator, what the end record says is meant as it stands.
    const whole = zip64(members);
    const cut = Buffer.concat([whole.subarray(0, -22 - 20), whole.subarray(-22)]);
    await mustRefuse(upload(cut, { format: 'zip' }), 'E015', /1000 entries/);
  });

  it('[Z22] a name that is not UTF-8 is refused, and said so', async () => {
    const name = Buffer.from([0x61, 0xff, 0xfe]);
    await mustRefuse(upload(tarGz({ name })), 'E003', /not UTF-8/);
    await mustRefuse(upload(zip([{ name }]), { format: 'zip' }), 'E003', /not UTF-8/);
  });

  it('[Z23] a damaged tar is refused', async () => {
    const damaged = tar(good, file('b'));
    damaged[3] = 0x41;
    await mustRefuse(upload(gzipSync(damaged)), 'E003', /Invalid tar header/);
    const gz = tarGz(good);
    gz[gz.length - 6] = (gz[gz.length - 6] ?? 0) ^ 1;
    await mustRefuse(upload(gz), 'E003', /incorrect data check/);
    await mustRefuse(upload(tarGz({ name: 'd', type: '5', content: 'x' })), 'E003', /with content/);
  });

  it('[Z24] a sender that leaves in the middle leaves nothing', async () => {
    const half = tarGz(good, { name: 'b', content: Buffer.alloc(100 * KIB, 'x') }).subarray(0, 100);
    const content = new Readable({ read() {} });
    content.push(half);
    content.on('error', () => undefined);
    const uploading = upload(content);
    setImmediate(() => content.destroy(new Error('the client left')));
    await mustRefuse(uploading, 'E003', /before it was whole/);
  });
});
