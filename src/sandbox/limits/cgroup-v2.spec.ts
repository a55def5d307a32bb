/** Against a tree of plain files in the place of a cgroup file system, since few test machines have version 2 with its controllers. */
import { writeSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupV2 } from './cgroup-v2.js';
import { Cgroups } from './cgroups.js';

const LIMITS = {
  memoryBytes: 256 * 1024 * 1024,
  processes: 64,
  cpus: 1.5,
  openFiles: 256,
  fileBytes: 1024,
  workspaceBytes: 1024,
  workspaceEntries: 1000,
};

describe('cgroup version 2', () => {
  let base: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'caisson-cgroup-'));
    await writeFile(join(base, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n');
  });
  const opened: Cgroups[] = [];
  afterEach(async () => {
    for (const cgroups of opened.splice(0)) await cgroups.close();
    await rm(base, { recursive: true });
  });

  const own = () => new Map([['', base]]);
  const open = async () => {
    const cgroups = await Cgroups.open('cgroup v2', await cgroupV2(own(), LIMITS));
    opened.push(cgroups);
    return cgroups;
  };

  it('hands the three controllers down, and cannot be had without them or without its mount', async () => {
    await cgroupV2(own(), LIMITS);
    expect(await readFile(join(base, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids +cpu');
    await writeFile(join(base, 'cgroup.controllers'), 'cpu hugetlb\n');
    await expect(cgroupV2(own(), LIMITS)).rejects.toThrow('no controller memory, pids here');
    await expect(cgroupV2(new Map(), LIMITS)).rejects.toThrow('not mounted');
  });

  it('writes every limit of a sandbox before a process can step in, and sees what the kernel counts', async () => {
    const cgroups = await open();
    const [name = ''] = (await readdir(base)).filter((entry) => entry.startsWith(`caisson-${process.pid}-`));
    expect(await readFile(join(base, name, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids +cpu');
    const confinement = await cgroups.confine();
    const [entrance = -1, ...others] = confinement.entrances;
    expect(others).toEqual([]);
    const cgroup = dirname(await readlink(`/proc/self/fd/${entrance}`));
    expect(dirname(cgroup)).toBe(join(base, name));
    const written = async (file: string) => readFile(join(cgroup, file), 'utf8');
    expect(await written('memory.max')).toBe('268435456');
    expect(await written('memory.swap.max')).toBe('0');
    expect(await written('memory.oom.group')).toBe('1');
    expect(await written('pids.max')).toBe('64');
    expect(await written('cpu.max')).toBe('150000 100000');
    writeSync(entrance, '4242\n'); // what the kernel shows when somebody has written 0
    confinement.entered(4242);
    expect(await cgroups.holds(4242)).toBe(true);
    expect(await cgroups.holds(424)).toBe(false);

    await confinement.giveWay(true);
    expect(await written('cpu.weight')).toBe('10');
    await confinement.giveWay(false);
    expect(await written('cpu.weight')).toBe('100');

    // As the kernel writes them: the first line of memory.events that begins with oom_kill is not oom_group_kill.
    const memory = (kills: number) =>
      writeFile(
        join(cgroup, 'memory.events'),
        `low 0\nhigh 0\nmax 7\noom 1\noom_group_kill 3\noom_kill ${kills}\n`,
      );
    const pids = (refused: number) => writeFile(join(cgroup, 'pids.events'), `max ${refused}\n`);
    await Promise.all([memory(0), pids(0)]);
    expect(await confinement.exceeded()).toBeUndefined();
    await pids(2);
    expect(await confinement.exceeded()).toEqual({ limit: 'processes', max: 64 });
    await memory(1);
    expect(await confinement.exceeded()).toEqual({ limit: 'memory', max: 268_435_456 });
  });

  it('removes what servers that are gone have left, and nothing else', async () => {
    const gone = 'caisson-4194305-1-00000000'; // above the largest process id there can be
    for (const name of [gone, 'somebody-elses']) await mkdir(join(base, name));
    await open();
    const left = await readdir(base);
    expect(left).not.toContain(gone);
    expect(left).toContain('somebody-elses');
  });
});
