import { spawnSync } from 'node:child_process';
import { type Condition, RULES } from '../../src/sandbox/bubblewrap/seccomp/rules.js';
import { describeWhere } from '../support/cases.js';
import { type SandboxGround, sandboxGround } from '../support/sandbox-ground.js';

/** Perl can make any call by its number, and is on every Debian (perl-base). */
const hasPerl = spawnSync('perl', ['-e', '1']).status === 0;
const ERRNO = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 };

const rules = RULES.flatMap(([name, x64, arm64, denial, condition]) => {
  const number = process.arch === 'arm64' ? arm64 : x64;
  return number === null ? [] : [{ name, number, errno: ERRNO[denial], condition }];
});

/** Arguments with which the call is denied: those that the condition names, and otherwise zeros, which harm nothing. */
function argumentsOf(condition: Condition | undefined): string {
  const values = ['0', '0', '0', '0', '0'];
  if (condition !== undefined)
    values[condition.argument] = String(
      'hasAnyBit' in condition ? 0x1000_0000 : 'isOneOf' in condition ? (condition.isOneOf[0] ?? 0) : 40,
    );
  return values.join(', ');
}

describeWhere(hasPerl, 'needs perl')('system calls in a sandbox', () => {
  let ground: SandboxGround;
  /** Errno of each call of the table, made in one sandbox. */
  let errnos: Map<string, number>;

  beforeAll(async () => {
    ground = await sandboxGround();
    const calls = rules.map(
      ({ name, number, condition }) =>
        `$! = 0; $r = syscall(${number}, ${argumentsOf(condition)}); printf "%s %d %d\\n", "${name}", $r, $!;`,
    );
    const { stdout } = await ground.shell(`perl -e '${calls.join(' ')}'`);
    errnos = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([name = '', result, errno]) => [name, result === '-1' ? Number(errno) : 0]),
    );
  });
  afterAll(() => ground.clear());

  it.each(rules)('[S22] a system call that no program needs is denied: $name', ({ name, errno }) => {
    expect(errnos.get(name)).toBe(errno);
  });

  it('[S23] it is the filter that denies: outside of it these calls answer otherwise', async () => {
    // Of those that namespaces and capabilities leave to anybody: without the filter they succeed or complain of their arguments.
    const open = rules.filter(({ name }) =>
      ['keyctl', 'io_uring_setup', 'clone3', 'socket', 'kcmp'].includes(name),
    );
    expect(open.length).toBe(5);
    for (const { number, errno, condition } of open) {
      const { stdout } = spawnSync(
        'perl',
        ['-e', `$r = syscall(${number}, ${argumentsOf(condition)}); print $r == -1 ? $!+0 : 0`],
        { encoding: 'utf8' },
      );
      expect(Number(stdout)).not.toBe(errno);
    }
  });

  it.each([
    ['threads', `perl -MPOSIX -e 'my $p = fork; exit 0 unless $p; waitpid $p, 0; print "ok"'`],
    [
      'git',
      'cd /tmp && git init -q x && cd x && git config user.name a && git config user.email a@b && git commit -q --allow-empty -m x && echo -n ok',
    ],
    ['pipes and jobs', 'seq 100 | sort -n | tail -1 | grep -q 100 & wait; echo -n ok'],
    [
      'a socket on loopback',
      `perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Listen => 1) and print "ok"'`,
    ],
  ])('[S24] ordinary programs still work under the filter: %s', async (_, line) => {
    const { stdout, stderr } = await ground.shell(line);
    expect({ stdout, stderr }).toEqual({ stdout: 'ok', stderr: '' });
  });
});
