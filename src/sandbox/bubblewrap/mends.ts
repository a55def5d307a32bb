/** What helps when a promise of the sandbox does not hold, in words that an operator can act on. */
export const MENDS = {
  packages:
    'install the packages: apt-get install bubblewrap tini socat (SANDBOX_BWRAP names another place of bwrap)',
  userNamespaces:
    'allow user namespaces: sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1; on Ubuntu give ' +
    '/usr/bin/bwrap an AppArmor profile with "userns," (or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)',
  container:
    'let the container make sandboxes: --security-opt seccomp=helm/caisson/files/seccomp.json, and for /proc Docker --security-opt ' +
    'systempaths=unconfined, Podman --security-opt unmask=ALL; Kubernetes hostUsers: false with ' +
    'securityContext.procMount: Unmasked and the same seccomp profile',
  namespaces: 'use the distribution’s bubblewrap 0.8 or newer on a kernel with all namespaces',
  reachable:
    'set CAISSON_DATA (and CLAUDE_CODE_WORKSPACE, if set) to a directory that other users can pass through, e.g. /var/lib/caisson',
  notRoot: 'set SANDBOX_UID_BASE to a uid that nobody else has',
  state: 'set CAISSON_DATA and CLAUDE_CODE_WORKSPACE to places outside /usr, e.g. below /var/lib/caisson',
  architecture: 'run on x86_64 or arm64: src/sandbox/bubblewrap/seccomp/rules.ts has no numbers for others',
  cgroups:
    'let the server make cgroups: systemd Delegate=yes in its unit (or systemd-run --user -p Delegate=yes); Docker and Podman ' +
    '--cgroupns=private with a writable /sys/fs/cgroup (Podman --security-opt unmask=/sys/fs/cgroup); or run it as root; ' +
    'SANDBOX_LIMITS=best-effort does without, where users trust one another',
  defect:
    'this host’s bubblewrap or kernel does not do what was asked: do not run agents here; report it with the reason',
} as const;

/** bubblewrap's and bash's words for what is missing, most telling first. */
const COMPLAINTS: readonly [RegExp, string][] = [
  [/spawn .* (ENOENT|EACCES)|tini: No such file|socat|bridge to the model|execvp/, MENDS.packages],
  // The words of a container that forbids what a sandbox is made of: a masked /proc, the default seccomp profile.
  [/mount proc|set hostname|pivot_root|make \/ slave/i, MENDS.container],
  [/Can't find source path|Can't bind mount|Can't chdir/, MENDS.reachable],
  [/namespace|uid map|userns/i, MENDS.userNamespaces],
];

/** What helps against the complaint of a sandbox that did not start. */
export function mendFor(complaint: string): string {
  return COMPLAINTS.find(([words]) => words.test(complaint))?.[1] ?? MENDS.defect;
}
