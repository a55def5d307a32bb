/**
 * `npm run bench`: runs the rows one after the other against one stand-in for the model, prints what came out, and
 * writes docs/BENCHMARKS.md when everything was run in full.
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { endLeftOvers } from '../scripts/test/left-overs.mjs';
import { helpText } from './help.ts';
import { ROWS } from './rows/index.ts';
import { Child } from './support/child.ts';
import { writeDocument } from './support/document.ts';
import { machine } from './support/machine.ts';
import { asJson, type Result, table } from './support/report.ts';
import { isReached, type Row } from './support/row.ts';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    goals: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowNegative: true,
});

/** Progress goes to standard error: standard output is the table alone. */
const say = (line: string) => void process.stderr.write(`${line}\n`);

function chosen(): readonly Row[] {
  const { only } = flags;
  if (only === undefined) return ROWS;
  const unknown = only.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0) throw new Error(`no such row: ${unknown.join(', ')}; --help lists them`);
  return ROWS.filter(({ name }) => only.includes(name));
}

async function run(row: Row, model: string): Promise<Result> {
  const skipped = row.lacks?.();
  if (skipped !== undefined) {
    say(`${row.name} skipped: ${skipped}`);
    return { row, figures: [], skipped };
  }
  const begun = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'caisson-bench-'));
  await chmod(directory, 0o711); // the sandboxes have user ids of their own and must pass it
  try {
    say(`${row.name} …`);
    const figures = await row.run({ quick: flags.quick, model, directory, say: (line) => say(`  ${line}`) });
    say(`${row.name}: ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    return { row, figures };
  } catch (error) {
    // The other rows have something to say all the same.
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(`${row.name} failed: ${failure}`);
    return { row, figures: [], failure };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(rows: readonly Row[]): Promise<Result[]> {
  await using standIn = new Child('stand-in');
  const { url } = await standIn.next<{ url: string }>();
  const results: Result[] = [];
  for (const row of rows) results.push(await run(row, url));
  return results;
}

/** The subreaper that scripts/bench.mjs puts above this process has adopted whatever a row has lost. */
async function leftAny(): Promise<boolean> {
  // Started in any other way, the processes beside this one are somebody else's.
  if ((await readFile(`/proc/${process.ppid}/comm`, 'utf8')).trim() !== 'tini') return false;
  const leftOvers = await endLeftOvers(process.ppid);
  for (const leftOver of leftOvers) say(`left running by the benchmark: ${leftOver}`);
  return leftOvers.length > 0;
}

async function main(): Promise<number> {
  if (flags.help) {
    process.stdout.write(helpText(ROWS));
    return 0;
  }
  const results = await measure(chosen());
  const on = await machine();
  const out = flags.json
    ? JSON.stringify({ machine: on, quick: flags.quick, rows: asJson(results) }, null, 2)
    : await format(table(results), { parser: 'markdown' });
  process.stdout.write(`${out}\n`);
  if (!flags.quick && flags.only === undefined && !results.some(({ failure }) => failure !== undefined))
    await writeDocument(results, on);
  const failed = (await leftAny()) || results.some(({ failure }) => failure !== undefined);
  const missed = results.flatMap(({ figures }) => figures).some((figure) => !isReached(figure));
  return failed || (missed && flags.goals) ? 1 : 0;
}

process.exitCode = await main();
