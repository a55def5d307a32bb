import { SHM_BYTES } from './arguments.js';
import { MENDS, mendFor } from './mends.js';
import { type Expected, judge, parseFacts, PROMISES } from './probe-checks.js';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
const EXPECTED: Expected = {
  hostNamespaces: NAMESPACES.map((name) => `${name}:[1]`),
  tmpBytes: 1_048_576,
  modelAnswer: 'caisson',
  statePaths: ['/var/lib/caisson'],
  openFiles: 1024,
  fileBytes: 1_048_576,
  limits: { means: 'cgroup v1', required: true, shortfall: undefined },
};

/** What a sound sandbox tells. */
const SOUND = `processes	3
environ	PATH=/usr/bin
environ	HOME=/home/agent
environ	PWD=/workspace
init	/usr/bin/tini
init	-g
init	--
descriptor	0
descriptor	1
descriptor	2
status	Uid: 1000 1000 1000 1000
status	Gid: 1000 1000 1000 1000
${['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `status	${name}: 0000000000000000`).join('\n')}
status	NoNewPrivs: 1
status	Seccomp: 2
${NAMESPACES.map((name) => `namespace	${name}:[2]`).join('\n')}
interface	lo
root	usr
root	workspace
writable	/workspace
writable	/tmp
writable	/home/agent
writable	/dev/shm
new-user-namespace	1
size	/tmp 4096 256
size	/home/agent 4096 256
size	/dev/shm 4096 ${SHM_BYTES / 4096}
denied-call	1
open-files	1024
file-kib	1024
model	caisson
held	yes
host-uid	200000
end	here
`;
const READ_ONLY = SOUND.replace('writable	/workspace\n', '');

function failing(writable: string, readOnly = READ_ONLY, expected = EXPECTED): string[] {
  const report = judge({ writable: parseFacts(writable), readOnly: parseFacts(readOnly) }, expected);
  expect(report.ok).toBe(report.checks.every(({ ok }) => ok));
  for (const check of report.checks.filter(({ ok }) => !ok)) {
    expect(check.reason).toEqual(expect.stringMatching(/./));
    expect(check.mend).toEqual(expect.stringMatching(/./));
  }
  return report.checks.filter(({ ok }) => !ok).map(({ name }) => name);
}

/** One thing wrong each, with the promise that must then be reported broken. */
const DOCTORED: [promise: string, from: string | RegExp, to: string][] = [
  ['environment', 'environ	PATH', 'environ	ANTHROPIC_API_KEY=sk-x\nenviron	PATH'],
  ['environment', /environ\t.*\n/g, ''],
  ['init', '/usr/bin/tini', '/usr/bin/bwrap'],
  ['descriptors', 'descriptor	2', 'descriptor	2\ndescriptor	251'],
  ['processes', 'processes	3', 'processes	81'],
  ['processes', 'processes	3\n', ''],
  ['no-new-privileges', 'NoNewPrivs: 1', 'NoNewPrivs: 0'],
  ['system-calls', 'Seccomp: 2', 'Seccomp: 0'],
  ['system-calls', 'denied-call	1', 'denied-call	0'],
  ['system-calls', 'denied-call	1', 'denied-call	127'],
  ['capabilities', 'CapBnd: 0000000000000000', 'CapBnd: 000001ffffffffff'],
  ['capabilities', 'CapEff: 0000000000000000', 'CapEff: 0000000000000001'],
  ['user', 'Uid: 1000 1000 1000 1000', 'Uid: 0 0 0 0'],
  ['not-root-outside', 'host-uid	200000', 'host-uid	0'],
  ['not-root-outside', 'host-uid	200000\n', ''],
  ['namespaces', 'net:[2]', 'net:[1]'],
  ['namespaces', 'namespace	user:[2]\n', ''],
  ['no-user-namespaces', 'new-user-namespace	1', 'new-user-namespace	0'],
  ['no-user-namespaces', 'new-user-namespace	1', 'new-user-namespace	127'],
  ['no-network', 'interface	lo', 'interface	lo\ninterface	eth0'],
  ['no-network', 'interface	lo', 'interface	lo\nroute	eth0 00000000 0100000A'],
  ['root', 'root	usr', 'root	usr\nroot	srv'],
  ['root', /root\t.*\n/g, ''],
  ['read-only-system', 'writable	/tmp', 'writable	/tmp\nwritable	/usr'],
  ['read-only-system', 'writable	/tmp', 'writable	/tmp\nwritable	/'],
  ['writable-workspace', 'writable	/workspace\n', ''],
  ['sizes', 'size	/tmp 4096 256', 'size	/tmp 4096 3000000'],
  ['sizes', 'size	/dev/shm', 'size	/elsewhere'],
  ['process-limits', 'open-files	1024', 'open-files	unlimited'],
  ['process-limits', 'open-files	1024', 'open-files	1048576'],
  ['process-limits', 'file-kib	1024\n', ''],
  ['limits', 'held	yes\n', ''],
  ['model-bridge', 'model	caisson', 'model	socat: not found'],
];

describe('the probe', () => {
  it('is content with a sound sandbox', () => {
    expect(failing(SOUND)).toEqual([]);
  });

  it.each(DOCTORED)('finds "%s" broken by %s → %j', (promise, from, to) => {
    const doctored = SOUND.replace(from, to);
    expect(doctored).not.toBe(SOUND);
    expect(failing(doctored)).toEqual([promise]);
  });

  it('finds a read-only workspace that is writable, and a probe that did not come to its end', () => {
    expect(failing(SOUND, SOUND)).toEqual(['read-only-workspace']);
    expect(failing(SOUND, '')).toEqual(['read-only-workspace']);
  });

  it('finds state below what every sandbox sees', () => {
    expect(failing(SOUND, READ_ONLY, { ...EXPECTED, statePaths: ['/usr/src/app/data'] })).toEqual([
      'state-out-of-view',
    ]);
  });

  it('without cgroups is red where they are required, and green with a warning where they are not', () => {
    const shortfall = 'cgroup v1: the cgroup controller "pids" is not mounted';
    const limits = { means: 'watching' as const, shortfall };
    const facts = { writable: parseFacts(SOUND), readOnly: parseFacts(READ_ONLY) };
    expect(failing(SOUND, READ_ONLY, { ...EXPECTED, limits: { ...limits, required: true } })).toEqual([
      'limits',
    ]);
    const report = judge(facts, { ...EXPECTED, limits: { ...limits, required: false } });
    expect(report.ok).toBe(true);
    expect(report.warnings).toEqual([
      { name: 'limits', reason: expect.stringContaining(shortfall), mend: MENDS.cgroups },
    ]);
    expect(judge(facts, EXPECTED).warnings).toEqual([]);
  });

  it('never repeats the value of a variable that leaked', () => {
    const facts = parseFacts(SOUND.replace('environ	PATH', 'environ	SECRET=sk-leak\nenviron	PATH'));
    const report = judge({ writable: facts, readOnly: parseFacts(READ_ONLY) }, EXPECTED);
    expect(JSON.stringify(report)).toContain('SECRET');
    expect(JSON.stringify(report)).not.toContain('sk-leak');
  });

  it('is seen to fail for every promise by one of these tests', () => {
    const shown = new Set([
      ...DOCTORED.map(([promise]) => promise),
      'read-only-workspace',
      'state-out-of-view',
    ]);
    expect(PROMISES.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('a sandbox that does not start', () => {
  it.each([
    ['spawn /usr/bin/bwrap ENOENT', MENDS.packages],
    ['bash: line 5: /usr/bin/tini: No such file or directory', MENDS.packages],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", MENDS.container],
    ["bwrap: Can't set hostname to sandbox: Operation not permitted", MENDS.container],
    [
      'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.',
      MENDS.userNamespaces,
    ],
    ['bwrap: setting up uid map: Permission denied', MENDS.userNamespaces],
    ["bwrap: Can't find source path /root/x: Permission denied", MENDS.reachable],
    ['something never seen', MENDS.defect],
  ])('%s: the mend fits', (complaint, mend) => {
    expect(mendFor(complaint)).toBe(mend);
  });
});
