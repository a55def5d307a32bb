/** Compiles an order to bubblewrap's argument list: everything the sandbox is, in the order in which it is built. */
import { posix } from 'node:path';
import type { SandboxOrder } from '../sandbox.js';
import { DESCRIPTOR, FILES_DESCRIPTOR } from './descriptors.js';
import { ETC_FILES } from './etc-files.js';
import { EGRESS_WAY, MODEL_WAY } from './init.js';

export interface Profile {
  /** From `hostRootArguments`. */
  hostRoot: readonly string[];
  /** Bytes of /tmp and of the home directory, each. */
  tmpBytes: number;
}

/** Shared memory: enough for what compilers and browsers in tests use, and no second /tmp. */
export const SHM_BYTES = 64 * 1024 * 1024;

/** The fixed environment; `order.env` is added to it, nothing else reaches the sandbox. */
export const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/opt/agent:/usr/local/bin:/usr/bin:/bin',
  HOME: '/home/agent',
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
};

const EGRESS_PROXY = `http://127.0.0.1:${EGRESS_WAY.port}`;
const DIRECT = '127.0.0.1,localhost';
/**
 * How programs are told of the way to granted hosts: curl and git read the small letters, npm both. Node's own fetch and
 * http ask for leave first. No HTTP_PROXY: the way leads to port 443 only.
 */
const EGRESS_ENVIRONMENT: Readonly<Record<string, string>> = {
  HTTPS_PROXY: EGRESS_PROXY,
  https_proxy: EGRESS_PROXY,
  NO_PROXY: DIRECT,
  no_proxy: DIRECT,
  NODE_USE_ENV_PROXY: '1',
};

/**
 * Each namespace is named: `--unshare-all` would go on silently without a user or cgroup namespace. No `-try` anywhere.
 * `--as-pid-1` keeps bubblewrap's own environment and command line out of the sandbox's /proc.
 */
const ISOLATION = [
  ...[
    '--unshare-user',
    '--unshare-ipc',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-uts',
    '--unshare-cgroup',
  ],
  ...['--disable-userns', '--assert-userns-disabled', '--as-pid-1', '--die-with-parent', '--new-session'],
  ...['--cap-drop', 'ALL', '--uid', '1000', '--gid', '1000', '--hostname', 'sandbox', '--clearenv'],
];

/** @throws TypeError when a part holds a NUL, which would end one argument and begin another */
export function bubblewrapArguments(order: SandboxOrder, profile: Profile): string[] {
  const args = [
    ...ISOLATION,
    // In the sandbox's own user namespace, which holds files of its one uid and nobody else's.
    ...(order.readsEverything === true ? ['--cap-add', 'CAP_DAC_READ_SEARCH'] : []),
    ...Object.entries({
      ...ENVIRONMENT,
      ...(order.egressSocket === undefined ? {} : EGRESS_ENVIRONMENT),
      ...order.env,
    }).flatMap(([name, value]) => ['--setenv', name, value]),
    ...profile.hostRoot,
    ...ETC_FILES.flatMap(({ path }, index) => ['--ro-bind-data', String(DESCRIPTOR.etc + index), path]),
    ...['--proc', '/proc'],
    // Some settings of its own namespaces would be the sandbox's to change: IPC limits, the highest process id.
    ...['--ro-bind', '/proc/sys', '/proc/sys'],
    ...['--dev', '/dev'],
    ...tmpfs('/dev/shm', SHM_BYTES, '1777'),
    ...['--remount-ro', '/dev'],
    ...tmpfs('/tmp', profile.tmpBytes, '1777'),
    ...tmpfs('/home/agent', profile.tmpBytes, '0700'),
    ...['--dir', '/run'],
    ...(order.modelSocket === undefined ? [] : ['--ro-bind', order.modelSocket, MODEL_WAY.socket]),
    ...(order.egressSocket === undefined ? [] : ['--ro-bind', order.egressSocket, EGRESS_WAY.socket]),
    ...['--dir', '/opt/agent'],
    ...(order.readOnly ?? []).flatMap(({ source, target }) => ['--ro-bind', source, target]),
    ...(order.files ?? []).flatMap(({ target }, index) => [
      '--ro-bind-data',
      String(FILES_DESCRIPTOR + index),
      target,
    ]),
    ...[order.access === 'read-only' ? '--ro-bind' : '--bind', order.workspace.path, '/workspace'],
    ...(order.writable ?? []).flatMap(({ source, target }) => ['--bind', source, target]),
    ...['--chdir', posix.join('/workspace', order.workingDirectory ?? '.')],
    ...['--json-status-fd', String(DESCRIPTOR.status), '--seccomp', String(DESCRIPTOR.filter)],
    // The root that bubblewrap builds in is a writable tmpfs: closed last, when every mount point has been made.
    ...['--remount-ro', '/'],
  ];
  if (args.some((part) => part.includes('\0'))) throw new TypeError('a NUL in an argument of the sandbox');
  return args;
}

const tmpfs = (path: string, bytes: number, mode: string) => [
  '--size',
  String(bytes),
  '--perms',
  mode,
  '--tmpfs',
  path,
];
