import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ProcessWatcher } from './process-watcher.js';

const MIB = 1024 * 1024;
const LIMITS = {
  memoryBytes: 200 * MIB,
  processes: 8,
  cpus: 1,
  openFiles: 256,
  fileBytes: MIB,
  workspaceBytes: MIB,
  workspaceEntries: 1000,
};

describe('the process watcher', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  });

  /** A process group that says "ready" when it has done its worst. */
  const run = async (program: string): Promise<number> => {
    const child = spawn(process.execPath, ['-e', program], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    if (child.pid === undefined) throw new Error('not started');
    return child.pid;
  };
  const look = async (pid: number, limits = LIMITS) => {
    const confinement = await new ProcessWatcher(limits).confine();
    expect(await confinement.exceeded()).toBeUndefined();
    confinement.entered(pid);
    return confinement.exceeded();
  };

  it('lets an ordinary process be', async () => {
    const pid = await run('console.log("ready"); setInterval(() => 0, 1000)');
    expect(await look(pid, { ...LIMITS, processes: 100 })).toBeUndefined();
  });

  it('counts processes and threads of all descendants', async () => {
    const pid = await run(
      'for (let n = 0; n < 5; n++) require("node:child_process").spawn("sleep", ["60"]);' +
        'console.log("ready"); setInterval(() => 0, 1000)',
    );
    expect(await look(pid)).toEqual({ limit: 'processes', max: 8 });
  });

  it('adds up the memory that is really theirs', async () => {
    const pid = await run(
      'globalThis.all = Buffer.alloc(300 * 1024 * 1024, 1); console.log("ready"); setInterval(() => 0, 1000)',
    );
    expect(await look(pid, { ...LIMITS, processes: 100 })).toEqual({ limit: 'memory', max: 200 * MIB });
  });
});
