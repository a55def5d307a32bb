/** What it costs to find out that nothing has changed, or that ten files have, among ten thousand: beside `git status`. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { interleave } from '../support/interleave.ts';
import type { Row } from '../support/row.ts';
import { ratios } from '../support/statistics.ts';
import { openWorkspace } from '../support/workspaces.ts';

const CHANGED = 10;
/** Milliseconds: longer than a file that has just changed is doubted. */
const SETTLED = 200;

export const snapshot: Row = {
  name: 'snapshot',
  measures:
    'a snapshot of 10 000 files, nothing changed and 10 changed, beside `git status` on the same files',
  note: 'a sandbox and a Node process are started for it, which is most of the time; `git status` is one process',
  async run(ground) {
    const names = Array.from({ length: ground.quick ? 500 : 10_000 }, (_, at) => `file-${at}.txt`);
    await using open = await openWorkspace(ground.directory);
    const repository = join(ground.directory, 'repository');
    await mkdir(repository);
    const git = (...args: string[]) =>
      promisify(execFile)('git', ['-c', 'user.name=b', '-c', 'user.email=b@example.org', ...args], {
        cwd: repository,
        env: { PATH: process.env.PATH, HOME: repository },
      });
    const put = (name: string, content: string) =>
      Promise.all([open.put(name, content), writeFile(join(repository, name), content)]);
    for (const name of names) await put(name, `${name}\n`.repeat(20));
    await git('init', '-q');
    await git('add', '.');
    await git('commit', '-q', '-m', 'all');
    await open.snapshot();
    const timed = async (work: () => Promise<unknown>) => {
      const begun = performance.now();
      await work();
      return performance.now() - begun;
    };
    const contenders = {
      snapshot: () => timed(() => open.snapshot()),
      status: () => timed(() => git('status', '--porcelain')),
    };
    await delay(SETTLED);
    await interleave(2, contenders);
    const rounds = ground.quick ? 2 : 15;
    const same = await interleave(rounds, contenders);
    const changed: Record<keyof typeof contenders, number[]> = { snapshot: [], status: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const name of names.slice(0, CHANGED)) await put(name, `round ${round}\n`);
      await delay(SETTLED);
      const one = await interleave(1, contenders);
      changed.snapshot.push(...one.snapshot);
      changed.status.push(...one.status);
    }
    return [
      { name: 'nothing changed', unit: 'ms', samples: same.snapshot },
      { name: 'nothing changed, git status', unit: 'ms', samples: same.status },
      { name: 'nothing changed: ÷ git status', unit: '×', samples: ratios(same.snapshot, same.status) },
      { name: '10 changed', unit: 'ms', samples: changed.snapshot },
      { name: '10 changed: ÷ git status', unit: '×', samples: ratios(changed.snapshot, changed.status) },
    ];
  },
};
