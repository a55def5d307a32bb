/** One Jest run of all specs, or of the given paths, counted by folder; with what became of each numbered case. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { ROOT } from '../setup/paths.mjs';
import { CATEGORIES } from './cases.mjs';
import { sum } from './counts.mjs';

/** Always listed, so that a folder whose tests have gone missing shows. */
const FOLDERS = ['unit', 'contract', 'e2e', 'attack', 'fault', 'chaos'];

/**
 * @typedef {import('./counts.mjs').Count} Count
 * @typedef {import('./cases.mjs').TestResult} TestResult
 * @typedef {{ name: string, status: string, assertionResults: TestResult[] }} SuiteResult one file of Jest's JSON
 * @param {string[]} args paths and options for Jest
 * @returns {{ ok: boolean, byFolder: Map<string, Count>, cases: TestResult[] }} `ok` is Jest's own verdict, `cases` the tests of the folders with numbered cases
 */
export function runJest(args) {
  const directory = mkdtempSync(join(tmpdir(), 'caisson-jest-'));
  try {
    const report = join(directory, 'report.json');
    const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
    // Jest can `require` ESM packages (Nest 12 is one) only with this flag.
    const nodeArgs = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const { status } = spawnSync(
      process.execPath,
      [...nodeArgs, jest, '--json', `--outputFile=${report}`, ...args],
      {
        cwd: ROOT,
        env: { ...process.env, NODE_OPTIONS: nodeArgs.join(' ') },
        // Jest's JSON also goes to standard output; its progress and failures go to standard error.
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    /** @type {SuiteResult[]} */
    const suites = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
    const cases = suites.filter(({ name }) => folderOf(name) in CATEGORIES);
    return {
      ok: status === 0,
      byFolder: countByFolder(suites),
      cases: cases.flatMap(({ assertionResults }) => assertionResults),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @param {SuiteResult[]} suites */
function countByFolder(suites) {
  /** @type {Map<string, Count>} */
  const byFolder = new Map(FOLDERS.map((folder) => [folder, sum([])]));
  for (const suite of suites) {
    const folder = folderOf(suite.name);
    byFolder.set(folder, sum([byFolder.get(folder) ?? sum([]), countSuite(suite)]));
  }
  return byFolder;
}

/** `test/e2e/…` → `e2e`; a spec beside its source is a unit test. @param {string} file */
function folderOf(file) {
  const [top, folder] = relative(ROOT, file).split(sep);
  return top === 'test' && folder !== undefined ? folder : 'unit';
}

/** A file that failed before its first test counts as one failure. @param {SuiteResult} suite @returns {Count} */
function countSuite({ status, assertionResults }) {
  /** @param {string[]} statuses */
  const count = (...statuses) => assertionResults.filter((result) => statuses.includes(result.status)).length;
  const failed = count('failed');
  return {
    passed: count('passed'),
    failed: status === 'failed' && failed === 0 ? 1 : failed,
    skipped: count('pending', 'skipped', 'todo', 'disabled'),
  };
}
