/** The benchmark's short form: that its rows still work and say the right things, not how fast anything is. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const ROOT = join(__dirname, '..', '..');

const report = z.object({
  rows: z.array(
    z.object({
      name: z.string(),
      figures: z.array(
        z.object({ name: z.string(), unit: z.string(), median: z.number(), samples: z.array(z.number()) }),
      ),
    }),
  ),
});

const bench = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['scripts/bench.mjs', ...args], { cwd: ROOT });

describe('npm run bench', () => {
  it('measures rows in their short form, beside what they are compared with, and leaves nothing running', async () => {
    const only = ['first-token-cold', 'delta-latency', 'history'];
    const { stdout } = await bench(
      '--quick',
      '--no-goals',
      '--json',
      ...only.map((name) => `--only=${name}`),
    );
    // What setting up has to say comes before it.
    const { rows } = report.parse(JSON.parse(stdout.slice(stdout.indexOf('{'))));
    expect(rows.map(({ name }) => name)).toEqual(only);
    const figures = new Map(
      rows.flatMap((row) => row.figures.map((it) => [`${row.name}: ${it.name}`, it.median])),
    );
    for (const [name, median] of figures) {
      if (/: (missing|twice)$/.test(name)) expect([name, median]).toEqual([name, 0]);
      else expect(median).toBeGreaterThan(0);
    }
    expect(figures.get('first-token-cold: bare CLI, cold')).toBeDefined();
    expect(figures.get('delta-latency: every 2 ms: missing')).toBe(0);
  });

  it('refuses a row that it does not know', async () => {
    await expect(bench('--only', 'nothing')).rejects.toThrow('no such row: nothing');
  });

  it('lists its rows', async () => {
    expect((await bench('--help')).stdout).toMatch(/^ {2}soak +1 000 executions/m);
  });
});
