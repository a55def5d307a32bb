import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionView } from '../../src/execution/execution.dto.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { itAsRoot } from '../support/cases.js';
import type { Client } from '../support/client.js';

const MIB = 1024 * 1024;

/** Small, so that an attack meets them soon; large enough for Claude Code and a shell. */
const SETTINGS = {
  SANDBOX_MEMORY_BYTES: String(700 * MIB),
  SANDBOX_PROCESSES: '120',
  SANDBOX_WORKSPACE_BYTES: String(64 * MIB),
  SANDBOX_WORKSPACE_ENTRIES: '2000',
  SANDBOX_FILE_BYTES: String(48 * MIB),
  SANDBOX_TMP_BYTES: String(32 * MIB),
  SANDBOX_OPEN_FILES: '256',
};

/** A script that calls Bash once and then says so. */
const bash = (command: string) => `@tool Bash ${JSON.stringify({ command })}\n@text done`;

describe('an execution that takes too much', () => {
  let caisson: Caisson;
  let attacker: Client;
  let neighbour: Client;
  let attacks = 0;

  beforeAll(async () => {
    caisson = await startCaisson(SETTINGS);
    [attacker, neighbour] = await Promise.all([caisson.clientOf('mallory'), caisson.clientOf('ann')]);
  });
  afterAll(() => caisson.clear());

  /** Runs the attack while a neighbour streams; the neighbour must come to its end, unharmed, and the server answer. */
  const attack = async (command: string): Promise<{ execution: ExecutionView; output: string }> => {
    const other = await neighbour.submit({ action: 'generate', prompt: '@deltas 60 every 20ms of "tick "' });
    // A project of its own: what an attack leaves behind would count against the next one.
    const metadata = { projectId: `attack-${(attacks += 1)}` };
    const { id } = await attacker.submit({
      action: 'generate',
      prompt: bash(command),
      options: { timeout: 60_000 },
      metadata,
    });
    const execution = await attacker.ended(id);
    expect(await neighbour.ended(other.id)).toMatchObject({ status: 'succeeded' });
    expect((await neighbour.get('/health/ready')).status).toBe(200);
    const results = (await attacker.history(id)).filter((event) => event.type === 'agent.tool_result');
    return { execution, output: results.map(({ data }) => data.output).join('\n') };
  };

  const endsFor = async (_: string, command: string, limit: string) => {
    const { execution } = await attack(command);
    expect(execution).toMatchObject({
      status: 'failed',
      response: { error: { code: 'E015', details: { limit } } },
    });
  };

  it.each([
    ['a fork bomb', 'f() { f | f & }; f; sleep 30', 'processes'],
    [
      '100 000 processes',
      `perl -e 'for (1..100000) { my $p = fork; defined $p or sleep 30; $p or sleep 60 }'`,
      'processes',
    ],
    [
      '100 000 threads',
      `perl -Mthreads -e 'for (1..100000) { threads->create(sub { sleep 60 }) or sleep 30 }'`,
      'processes',
    ],
  ])('[R01] too many processes end with E015: %s', endsFor);

  it.each([['a memory hog', `perl -e 'my @all; push @all, "x" x 10_000_000 while 1'`, 'memory']])(
    '[R02] too much memory ends with E015: %s',
    endsFor,
  );

  it.each([
    [
      'a disk filler',
      'for n in $(seq 4); do head -c 40000000 /dev/zero > fill$n; done; sleep 30',
      'workspace-bytes',
    ],
    ['a flood of files', 'for n in $(seq 3000); do : > file$n; done; sleep 30', 'workspace-entries'],
  ])('[R03] a full workspace ends with E015: %s', endsFor);

  const isFeltByTheProgramAlone = async (_: string, command: string, said: RegExp) => {
    const { execution, output } = await attack(command);
    expect({ status: execution.status, error: execution.response?.error }).toEqual({ status: 'succeeded' });
    expect(output).toMatch(said);
  };

  it.each([
    [
      'a file above the limit',
      'head -c 60000000 /dev/zero > big; ls -l big | cut -d" " -f5',
      /File (size limit exceeded|too large)|50331648/,
    ],
    ['a full /tmp', 'head -c 50000000 /dev/zero > /tmp/x; stat -c %s /tmp/x', /Disk full|No space left/],
    ['a sparse file of 10 TiB', 'truncate -s 10T huge; echo $?', /File too large|File size limit/],
  ])('[R20] a limit on files is felt by the program alone: %s', isFeltByTheProgramAlone);

  it.each([
    [
      'too many open files',
      `perl -e 'my @f; while (open my $f, "<", "/dev/null") { push @f, $f } print scalar(@f), " $!"'`,
      /^2\d\d Too many open files/,
    ],
  ])('[R04] a limit on descriptors is felt by the program alone: %s', isFeltByTheProgramAlone);

  it.each([
    ['a flood on standard output', 'yes | head -c 300000000; echo over', /y\ny/],
    ['a line of 1 GiB', 'head -c 1073741824 /dev/zero | tr "\\0" x; echo over', /x{1000}/],
  ])('[R09] a flood of output is felt by the program alone: %s', isFeltByTheProgramAlone);
});

describe('what is left when the servers have stopped', () => {
  it('[R21] no cgroup is left when the servers have stopped', async () => {
    const caisson = await startCaisson();
    await caisson.admin.run({ action: 'generate', prompt: '@text hello' });
    await caisson.clear();
    const left = [];
    for (const controller of ['', 'memory', 'pids', 'cpu'])
      left.push(...(await readdir(join('/sys/fs/cgroup', controller)).catch(() => [])));
    expect(left.filter((name) => name.startsWith(`caisson-${process.pid}-`))).toEqual([]);
  });
});

describe('identities', () => {
  itAsRoot(
    '[R22] two users never share a uid, none is root, and their files are closed to each other',
    async () => {
      const caisson = await startCaisson();
      for (const user of ['ann', 'bob'])
        await (await caisson.clientOf(user)).call('PUT', '/api/projects/p/files/mine.txt', 'mine');
      const root = join(caisson.directory, 'data', 'workspaces');
      const owners = await Promise.all((await readdir(root)).map((name) => stat(join(root, name))));
      expect(new Set(owners.map(({ uid }) => uid)).size).toBe(2);
      for (const { uid, gid, mode } of owners) {
        expect(uid).toBeGreaterThanOrEqual(200_000);
        expect(gid).toBe(uid);
        expect(mode & 0o077).toBe(0);
      }
      await caisson.clear();
    },
  );
});
