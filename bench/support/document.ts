/** Writes docs/BENCHMARKS.md from a whole run. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Machine } from './machine.ts';
import { ROOT } from './paths.ts';
import { type Result, table } from './report.ts';

const DOCUMENT = join(ROOT, 'docs', 'BENCHMARKS.md');

export async function writeDocument(results: readonly Result[], on: Machine): Promise<void> {
  const content = [
    '# Benchmarks',
    '',
    'Written by `npm run bench`, which anybody can repeat: one process group, one stand-in for the Messages API on the',
    'loopback interface (the product’s own rehearsal model, which answers at once or at a given pace), everything else',
    'real. What is compared runs turn by turn in the same run; each figure is the median of its rounds, with the least',
    'and the greatest. Read the ratios: absolute times belong to the machine.',
    '',
    ...Object.entries(on).map(([name, value]) => `- ${name}: ${value}`),
    '',
    table(results),
    '',
    '## What each row measures',
    '',
    ...results.map(
      ({ row: { name, measures, note } }) =>
        `- **${name}**: ${measures}.${note === undefined ? '' : ` ${note}`}`,
    ),
    '',
  ].join('\n');
  await writeFile(
    DOCUMENT,
    await format(content, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT }),
  );
}
