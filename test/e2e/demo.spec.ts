import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '..', '..');

describe('npm run demo', () => {
  it('lets each command work on the demo project, shows events and diffs, and exits 0', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/demo.mjs'], { cwd: ROOT });
    for (const action of ['analyze', 'review', 'refactor', 'generate'])
      expect(stdout).toMatch(new RegExp(`━━ ${action}: [\\s\\S]*?execution\\.finished {3}succeeded`));
    expect(stdout).toContain('+++ b/src/price.js');
    expect(stdout).toContain('+++ b/src/discount.js');
  });
});
