/**
 * The system calls that are denied in every sandbox, one a line; what is not here is allowed.
 *
 * Numbers are those of the Linux uapi headers: asm/unistd_64.h for x86_64, asm-generic/unistd.h for arm64; null = the
 * architecture has no such call. Denied is what a coding agent never needs and what reaches far into the kernel: the
 * namespaces that the sandbox stands on, objects that no namespace parts (keys, clocks, modules), and whatever has been
 * the way out of other sandboxes. Capabilities and namespaces deny most of it a second time.
 */

/** How a denied call ends for the program. ENOSYS is what libraries expect of an older kernel: they do without. */
export type Denial = 'EPERM' | 'ENOSYS' | 'EAFNOSUPPORT';

/**
 * When a call is denied, by one of its arguments; the kernel reads these as 32 bits, so only those are compared: the
 * upper half is the program's to fill with anything.
 */
export type Condition =
  | { argument: number; hasAnyBit: number }
  | { argument: number; isOneOf: readonly number[] }
  | { argument: number; isNoneOf: readonly number[] };

export type Rule = readonly [
  name: string,
  x64: number,
  arm64: number | null,
  denial: Denial,
  condition?: Condition,
];

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} of linux/sched.h; the first argument of clone on both architectures. */
const NEW_NAMESPACES: Condition = { argument: 0, hasAnyBit: 0x7e02_0000 };
/** TIOCSTI, TIOCLINUX and TIOCSETD of asm-generic/ioctls.h: typing into a terminal, and the line disciplines. */
const TERMINAL_TRICKS: Condition = { argument: 1, isOneOf: [0x5412, 0x541c, 0x5423] };
/** AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK (names of interfaces): the others, such as AF_VSOCK, leave the namespace. */
const OTHER_FAMILIES: Condition = { argument: 0, isNoneOf: [1, 2, 10, 16] };
/** Asking for the personality (0xffffffff) changes nothing. */
const CHANGE: Condition = { argument: 0, isNoneOf: [0xffff_ffff] };

export const RULES: readonly Rule[] = [
  // What the sandbox is built of.
  ['mount', 165, 40, 'EPERM'],
  ['umount2', 166, 39, 'EPERM'],
  ['pivot_root', 155, 41, 'EPERM'],
  ['chroot', 161, 51, 'EPERM'],
  ['open_tree', 428, 428, 'EPERM'],
  ['move_mount', 429, 429, 'EPERM'],
  ['fsopen', 430, 430, 'EPERM'],
  ['fsconfig', 431, 431, 'EPERM'],
  ['fsmount', 432, 432, 'EPERM'],
  ['fspick', 433, 433, 'EPERM'],
  ['mount_setattr', 442, 442, 'EPERM'],
  ['open_tree_attr', 467, 467, 'EPERM'],
  ['unshare', 272, 97, 'EPERM'],
  ['setns', 308, 268, 'EPERM'],
  ['clone', 56, 220, 'EPERM', NEW_NAMESPACES],
  // Its flags lie in memory, where no filter can look; libc falls back to clone.
  ['clone3', 435, 435, 'ENOSYS'],
  ['sethostname', 170, 161, 'EPERM'],
  ['setdomainname', 171, 162, 'EPERM'],
  // Objects and settings that belong to the whole machine.
  ['add_key', 248, 217, 'EPERM'],
  ['request_key', 249, 218, 'EPERM'],
  ['keyctl', 250, 219, 'EPERM'],
  ['init_module', 175, 105, 'EPERM'],
  ['finit_module', 313, 273, 'EPERM'],
  ['delete_module', 176, 106, 'EPERM'],
  ['kexec_load', 246, 104, 'EPERM'],
  ['kexec_file_load', 320, 294, 'EPERM'],
  ['reboot', 169, 142, 'EPERM'],
  ['swapon', 167, 224, 'EPERM'],
  ['swapoff', 168, 225, 'EPERM'],
  ['settimeofday', 164, 170, 'EPERM'],
  ['clock_settime', 227, 112, 'EPERM'],
  ['adjtimex', 159, 171, 'EPERM'],
  ['clock_adjtime', 305, 266, 'EPERM'],
  ['syslog', 103, 116, 'EPERM'],
  ['acct', 163, 89, 'EPERM'],
  ['quotactl', 179, 60, 'EPERM'],
  ['quotactl_fd', 443, 443, 'EPERM'],
  ['vhangup', 153, 58, 'EPERM'],
  ['iopl', 172, null, 'EPERM'],
  ['ioperm', 173, null, 'EPERM'],
  // Wide doors into the kernel.
  ['io_uring_setup', 425, 425, 'ENOSYS'],
  ['io_uring_enter', 426, 426, 'ENOSYS'],
  ['io_uring_register', 427, 427, 'ENOSYS'],
  ['bpf', 321, 280, 'EPERM'],
  ['perf_event_open', 298, 241, 'EPERM'],
  ['userfaultfd', 323, 282, 'EPERM'],
  ['fanotify_init', 300, 262, 'EPERM'],
  ['modify_ldt', 154, null, 'EPERM'],
  ['uselib', 134, null, 'EPERM'],
  ['lookup_dcookie', 212, 18, 'EPERM'],
  ['personality', 135, 92, 'EPERM', CHANGE],
  ['ioctl', 16, 29, 'EPERM', TERMINAL_TRICKS],
  // Files and memory past what is shown of them.
  ['open_by_handle_at', 304, 265, 'EPERM'],
  ['process_vm_readv', 310, 270, 'EPERM'],
  ['process_vm_writev', 311, 271, 'EPERM'],
  ['kcmp', 312, 272, 'EPERM'],
  // A copy of another process's descriptor: of the socket in which the agent speaks with the server.
  ['pidfd_getfd', 438, 438, 'EPERM'],
  // Sockets that no network namespace holds.
  ['socket', 41, 198, 'EAFNOSUPPORT', OTHER_FAMILIES],
  ['socketpair', 53, 199, 'EAFNOSUPPORT', OTHER_FAMILIES],
];
