import type { SandboxOrder } from '../sandbox.js';
import { bubblewrapArguments } from './arguments.js';
import { hostRootArguments } from './host-root.js';

const PROFILE = { hostRoot: ['--ro-bind', '/usr', '/usr', '--dir', '/etc'], tmpBytes: 1_048_576 };
const ORDER: SandboxOrder = {
  workspace: { id: 'w', path: '/srv/w/0123' },
  access: 'read-write',
  argv: ['/bin/true'],
};

describe('the argument list of bubblewrap', () => {
  it('is exactly this, in this order', () => {
    const order: SandboxOrder = {
      ...ORDER,
      workingDirectory: 'src',
      env: { A: 'b' },
      modelSocket: '/run/c/1.sock',
      readOnly: [{ source: '/srv/bin/claude', target: '/opt/agent/claude' }],
      writable: [{ source: '/srv/state', target: '/state' }],
    };
    expect(bubblewrapArguments(order, PROFILE).join(' ')).toBe(
      [
        '--unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup',
        '--disable-userns --assert-userns-disabled --as-pid-1 --die-with-parent --new-session',
        '--cap-drop ALL --uid 1000 --gid 1000 --hostname sandbox --clearenv',
        '--setenv PATH /opt/agent:/usr/local/bin:/usr/bin:/bin --setenv HOME /home/agent --setenv TMPDIR /tmp',
        '--setenv LANG C.UTF-8 --setenv TERM dumb --setenv A b',
        '--ro-bind /usr /usr --dir /etc',
        '--ro-bind-data 7 /etc/passwd --ro-bind-data 8 /etc/group --ro-bind-data 9 /etc/hosts',
        '--ro-bind-data 10 /etc/nsswitch.conf --ro-bind-data 11 /etc/resolv.conf',
        '--proc /proc --ro-bind /proc/sys /proc/sys --dev /dev --size 67108864 --perms 1777 --tmpfs /dev/shm --remount-ro /dev',
        '--size 1048576 --perms 1777 --tmpfs /tmp --size 1048576 --perms 0700 --tmpfs /home/agent',
        '--dir /run --ro-bind /run/c/1.sock /run/model.sock',
        '--dir /opt/agent --ro-bind /srv/bin/claude /opt/agent/claude',
        '--bind /srv/w/0123 /workspace --bind /srv/state /state --chdir /workspace/src',
        '--json-status-fd 4 --seccomp 6 --remount-ro /',
      ].join(' '),
    );
  });

  it('shows the way to granted hosts, and tells of it, only where there is one', () => {
    const args = bubblewrapArguments({ ...ORDER, egressSocket: '/run/c/2.sock' }, PROFILE).join(' ');
    expect(args).toContain('--ro-bind /run/c/2.sock /run/egress.sock');
    expect(args).toContain('--setenv HTTPS_PROXY http://127.0.0.1:3129');
    expect(args).toContain('--setenv NO_PROXY 127.0.0.1,localhost');
    expect(bubblewrapArguments(ORDER, PROFILE).join(' ')).not.toMatch(/egress|proxy|3129/i);
  });

  it('mounts the workspace read-only when that is asked', () => {
    const args = bubblewrapArguments({ ...ORDER, access: 'read-only' }, PROFILE);
    expect(args[args.indexOf('/workspace') - 2]).toBe('--ro-bind');
  });

  it('keeps all capabilities from everything but what measures workspaces, and gives that one only', () => {
    expect(bubblewrapArguments(ORDER, PROFILE)).not.toContain('--cap-add');
    const args = bubblewrapArguments({ ...ORDER, readsEverything: true }, PROFILE);
    expect(args.slice(args.indexOf('--cap-drop')).slice(0, 2)).toEqual(['--cap-drop', 'ALL']);
    expect(args.filter((_, index) => args[index - 1] === '--cap-add')).toEqual(['CAP_DAC_READ_SEARCH']);
  });

  it('tries nothing and skips nothing', () => {
    const args = bubblewrapArguments(ORDER, { ...PROFILE, hostRoot: hostRootArguments() });
    expect(
      args.filter((part) => part.endsWith('-try') || part === '--unshare-all' || part.startsWith('--share')),
    ).toEqual([]);
  });

  it.each([
    { workingDirectory: 'a\0--bind\0/\0/host' },
    { env: { A: 'b\0--share-net' } },
    { readOnly: [{ source: '/a\0', target: '/b' }] },
  ])('cannot be made longer by a NUL: %j', (part) => {
    expect(() => bubblewrapArguments({ ...ORDER, ...part }, PROFILE)).toThrow(TypeError);
  });
});

describe('what is shown of the host', () => {
  const host = (links: string[], directories: string[]) => (path: string) =>
    links.includes(path) || directories.includes(path)
      ? { isSymbolicLink: () => links.includes(path) }
      : undefined;

  it('is links into /usr where the host has links', () => {
    expect(hostRootArguments(host(['/bin', '/lib64'], [])).join(' ')).toBe(
      '--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib64 /lib64 --dir /etc',
    );
  });

  it('is directories where the host has directories, and nothing that it does not have', () => {
    expect(hostRootArguments(host([], ['/bin', '/lib', '/etc/ssl/certs'])).join(' ')).toBe(
      '--ro-bind /usr /usr --ro-bind /bin /bin --ro-bind /lib /lib --dir /etc --ro-bind /etc/ssl/certs /etc/ssl/certs',
    );
  });
});
