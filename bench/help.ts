/** What `npm run bench -- --help` prints. */
import type { Row } from './support/row.ts';

export const helpText = (rows: readonly Row[]): string => `Usage: npm run bench [-- OPTIONS]

Measures the product beside what it is built on, turn by turn in one run, and prints a table. A whole run takes about
three quarters of an hour and writes docs/BENCHMARKS.md. Exit code 1 when a goal is missed.

  --only NAME   only this row; may be given several times
  --quick       a few rounds of small numbers: shows that the rows work, not how fast anything is
  --no-goals    exit code 0 also when a goal is missed
  --json        JSON with every value instead of the table
  --help        this text

Rows:
${rows.map(({ name, measures }) => `  ${name.padEnd(18)} ${measures.replaceAll('`', '')}`).join('\n')}

Examples:
  npm run bench
  npm run bench -- --only first-token-cold --only burst
  npm run bench -- --only history --json > history.json
`;
