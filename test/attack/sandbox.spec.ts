/** What a program inside a sandbox tries, and must not get. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { gone, processesWith } from '../support/processes.js';
import { asRoot, FIRST_UID, sandboxGround, type SandboxGround } from '../support/sandbox-ground.js';

describe('a program inside a sandbox', () => {
  let ground: SandboxGround;
  const canary = `canary-${randomUUID()}`;
  beforeAll(async () => {
    process.env.CAISSON_TEST_CANARY = canary;
    ground = await sandboxGround();
  });
  afterAll(async () => {
    delete process.env.CAISSON_TEST_CANARY;
    await ground.clear();
  });

  it('[E01] nothing of the server’s environment, arguments or paths is found in a sandbox, through /proc too', async () => {
    const { stdout } = await ground.shell(
      'env; cat /proc/*/environ /proc/*/cmdline | tr "\\0" "\\n"; cat /proc/self/cgroup; ls -l /proc/*/fd /proc/*/cwd /proc/*/root',
    );
    expect(stdout).toContain('HOME=/home/agent');
    expect(stdout).not.toContain(canary);
    expect(stdout).not.toContain(ground.directory);
    expect(stdout).not.toContain(process.cwd());
  });

  it('[P09] /proc shows a sandbox its own processes and files, whichever of them it looks through', async () => {
    const { stdout, stderr } = await ground.shell(
      `cd /proc; for pid in [0-9]*; do tr '\\0' '\\n' <$pid/environ; tr '\\0' ' ' <$pid/cmdline; ls $pid/cwd/; done
       for root in / 1/root/ self/root/ 1/task/1/root/; do echo "root: $(ls -A $root $root/home $root/etc | tr '\\n' ' ')"; done
       head -c 1 1/mem 2>&1; cat 1/root/etc/shadow 2>&1; cat 1/maps 1/mountinfo net/unix`,
    );
    const roots = stdout.match(/^root: .*$/gm) ?? [];
    expect(roots).toHaveLength(4);
    expect(new Set(roots.map((line) => line.replaceAll(/(1\/task\/1|1|self)\/root\//g, '/'))).size).toBe(1);
    expect(stdout).toMatch(/No such file/);
    for (const ofTheHost of [canary, process.cwd()]) expect(stdout + stderr).not.toContain(ofTheHost);
  });

  it('[P11] a sandbox changes nothing of the kernel through /proc', async () => {
    const { stdout } = await ground.shell(
      `find /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs -type f |
         perl -ne 'chomp; open(my $file, ">>", $_) and print "opened $_\n"; END { print $. > 100 ? "tried\n" : "found none\n" }'
       (echo -1000 >/proc/self/oom_score_adj) && echo spared
       for map in uid_map gid_map; do (echo 0 0 1 >/proc/self/$map) && echo mapped; done`,
    );
    expect(stdout).toBe('tried\n');
  });

  it('[P10] a sandbox sees no other workspace and nothing of the server’s data', async () => {
    const other = await ground.workspace(FIRST_UID + 1);
    await ground.shell(`echo ${canary} >secret`, { workspace: other });
    const { stdout } = await ground.shell(
      `ls -d ${ground.directory} ${other.path} /root /srv /home/* /var /etc/shadow /var/run/docker.sock; grep -rl ${canary} /workspace /tmp /home /run /etc /opt`,
    );
    expect(stdout).toBe('/home/agent\n');
  });

  it('[P14] a sandbox writes nowhere but in its workspace, its home and its temporary directories', async () => {
    const places = [
      '/',
      '/usr',
      '/usr/bin',
      '/etc',
      '/etc/ssl/certs',
      '/run',
      '/opt',
      '/opt/agent',
      '/dev',
      '/proc/sys/kernel',
      '/sys',
    ];
    const { stdout } = await ground.shell(
      `for p in ${places.join(' ')}; do (: >$p/x) 2>/dev/null && echo wrote $p; done
       for f in /etc/passwd /etc/hosts /etc/resolv.conf /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname; do
         (echo x >$f) 2>/dev/null && echo wrote $f; done; mount -o remount,rw / 2>/dev/null && echo remounted; echo end`,
    );
    expect(stdout).toBe('end\n');
  });

  it('[P13] a sandbox cannot replace or remove the model’s socket', async () => {
    const socket = join(ground.directory, 'm.sock');
    const server = await listening(
      createServer((connection) => connection.end('x')),
      socket,
    );
    if (asRoot) await (await import('node:fs/promises')).chown(socket, FIRST_UID, FIRST_UID);
    const { stdout, stderr } = await ground.shell('rm -f /run/model.sock; ls /run', { modelSocket: socket });
    server.close();
    expect(stdout).toBe('model.sock\n');
    expect(stderr).toMatch(/Read-only file system|busy/);
  });

  describe('looking for a network', () => {
    const servers: Server[] = [];
    const ports: number[] = [];
    beforeAll(async () => {
      for (const host of ['127.0.0.1', '0.0.0.0']) {
        const server = await listening(
          createServer((connection) => connection.end(canary)),
          { host, port: 0 },
        );
        servers.push(server);
        const address = server.address();
        if (address !== null && typeof address === 'object') ports.push(address.port);
      }
      servers.push(
        await listening(
          createServer((connection) => connection.end(canary)),
          '\0caisson-test-abstract',
        ),
      );
      const open = join(ground.directory, 'open.sock');
      servers.push(
        await listening(
          createServer((connection) => connection.end(canary)),
          open,
        ),
      );
      await chmod(open, 0o777);
    });
    afterAll(() => servers.forEach((server) => server.close()));

    it.each([
      'TCP:169.254.169.254:80',
      'TCP6:[fd00:ec2::254]:80',
      'TCP:8.8.8.8:443',
      'UDP:8.8.8.8:53',
      'TCP:localhost:3128',
      'TCP:example.com:80',
    ])('[N20] a sandbox reaches no address outside, directly: %s', async (address) => {
      const { stdout, stderr, exit } = await ground.shell(`echo x | timeout 5 socat - ${address}`);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/unreachable|refused|resolution|not known|No such file|No address/i);
      expect(exit.code).toBe(1);
    });

    it('[N08] a sandbox reaches no service of the host', async () => {
      const lines = ports.flatMap((port) =>
        ['127.0.0.1', '0.0.0.0', '[::1]'].map((host) => `socat -u TCP:${host}:${port} -;`),
      );
      const { stdout } = await ground.shell(`${lines.join(' ')} echo end`);
      expect(ports).toHaveLength(2);
      expect(stdout).toBe('end\n');
    });

    it('[N09] a sandbox reaches no unix socket of the host, named or abstract', async () => {
      const named = [
        join(ground.directory, 'open.sock'),
        '/var/run/docker.sock',
        '/run/dbus/system_bus_socket',
      ];
      const addresses = [
        ...named.map((path) => `UNIX-CONNECT:${path}`),
        'ABSTRACT-CONNECT:caisson-test-abstract',
      ];
      const tries = addresses.map(
        (address) => `echo x | timeout 5 socat - ${address} && echo reached ${address};`,
      );
      const { stdout } = await ground.shell(`${tries.join(' ')} cat /proc/net/unix`);
      expect(stdout).toMatch(/^Num .*\n$/); // the head of an empty list
    });

    it('[N11] a sandbox cannot make raw or packet sockets', async () => {
      const { stdout } = await ground.shell(
        'socat -u IP-SENDTO:127.0.0.1:1 - </dev/null && echo raw; socat -u INTERFACE:lo - </dev/null && echo packet; echo end',
      );
      expect(stdout).toBe('end\n');
    });
  });

  it('[S20] a sandbox gains no privileges: no namespaces, no mounts, no set-uid, no capabilities', async () => {
    const workspace = await ground.workspace();
    if (asRoot) {
      await copyFile('/usr/bin/id', join(workspace.path, 'id'));
      await chmod(join(workspace.path, 'id'), 0o4755);
    }
    const { stdout } = await ground.shell(
      `unshare -Ur id; unshare -m true && echo unshared; mount -t tmpfs none /tmp && echo mounted; chroot / true && echo chrooted
       ${asRoot ? './id -u' : 'id -u'}; mknod /tmp/null c 1 3 && echo device; grep CapEff /proc/self/status`,
      { workspace },
    );
    expect(stdout).toBe('1000\nCapEff:\t0000000000000000\n');
  });

  it('[S21] a sandbox can signal nobody outside, not even processes of its own uid', async () => {
    const outside = spawn('/bin/sleep', ['600'], {
      stdio: 'ignore',
      ...(asRoot ? { uid: FIRST_UID, gid: FIRST_UID } : {}),
    });
    try {
      const { exit } = await ground.shell(`kill -9 ${outside.pid}; kill -9 ${process.pid}; kill -9 -1; true`);
      expect(exit.code === 0 || exit.signal === 'SIGKILL').toBe(true);
      expect(outside.exitCode ?? outside.signalCode).toBeNull();
    } finally {
      outside.kill('SIGKILL');
    }
  });

  it('[R05] a sandbox fills /tmp, its home and shared memory only up to their size', async () => {
    const small = await sandboxGround({ SANDBOX_TMP_BYTES: String(1024 * 1024) });
    const { stdout, stderr } = await small.shell(
      'for p in /tmp /home/agent /dev/shm; do head -c 100000000 /dev/zero >$p/fill; stat -c %s $p/fill; done',
    );
    await small.clear();
    expect(stderr.match(/No space left on device/g)).toHaveLength(3);
    const sizes = stdout.trim().split('\n').map(Number);
    expect(sizes).toEqual([1024 * 1024, 1024 * 1024, 64 * 1024 * 1024]);
  });

  it('[N15] a sandbox shares no abstract socket, shared memory or process with another', async () => {
    const workspace = await ground.workspace();
    const first = await ground.sandboxes.start({
      workspace,
      access: 'read-write',
      argv: [
        '/bin/sh',
        '-c',
        'ipcmk -M 4096 >/dev/null; echo x >/dev/shm/x; socat ABSTRACT-LISTEN:meet,fork - & sleep 600',
      ],
    });
    const second = await ground.shell(
      'ipcs -m | grep -c 4096; ls /dev/shm; socat -u ABSTRACT-CONNECT:meet - ; ls -d /proc/[0-9]* | wc -l',
      { workspace },
    );
    await first.end(0);
    expect(second.stdout.split('\n').slice(0, 1)).toEqual(['0']);
    expect(second.stdout).not.toMatch(/^x$/m);
    expect(second.stderr).toMatch(/refused/i);
  });

  it('[R08] what a program leaves behind is ended with it, though it goes on writing', async () => {
    const marker = randomUUID();
    const writer = `: ${marker}; while printf x; do : >begun; sleep 0.01; done`;
    // Resolves at the end of standard output, which the writer holds open.
    const { stdout, exit } = await ground.shell(
      `setsid sh -c '${writer}' & until [ -e begun ]; do sleep 0.01; done; exit 7`,
    );
    expect({ stdout, exit }).toMatchObject({ stdout: expect.stringMatching(/^x+$/), exit: { code: 7 } });
    await gone(() => processesWith(marker));
  });

  it('[R23] a sandbox that floods its output stops at what is read, and costs no memory', async () => {
    const sandbox = await ground.sandboxes.start({
      workspace: await ground.workspace(),
      access: 'read-only',
      argv: ['/usr/bin/yes'],
    });
    await new Promise((resolve) => sandbox.stdout.once('readable', resolve));
    expect(sandbox.stdout.readableLength).toBeLessThan(1024 * 1024);
    expect(await sandbox.end(0)).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('[F25] nothing of the workspace runs on the way into the sandbox', async () => {
    const workspace = await ground.workspace();
    for (const name of ['.bashrc', '.profile', 'tini', 'bash', 'socat', 'sh']) {
      await writeFile(join(workspace.path, name), `#!/bin/sh\necho ${canary}\n`, { mode: 0o755 });
      await chmod(join(workspace.path, name), 0o755);
    }
    const { stdout } = await ground.shell('echo ran', { workspace });
    expect(stdout).toBe('ran\n');
  });
});

function listening(server: Server, where: string | { host: string; port: number }): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve(server));
  });
}
