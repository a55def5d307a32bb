/** The numbered cases of test/attack and test/fault: what the specs declare, and what became of each in a run. */
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from '../setup/paths.mjs';

/** What the letter of an id stands for, by the folder whose specs declare it. */
export const CATEGORIES = {
  attack: {
    P: 'paths and files',
    F: 'flags, commands, planted configuration',
    E: 'environment and secrets',
    N: 'network',
    R: 'resources',
    A: 'interface',
    G: 'git',
    Z: 'archives',
    L: 'logs, audit, metrics',
    S: 'start-up',
    B: 'batches',
    W: 'warm places',
    V: 'answers that are kept',
    M: 'conversations',
    H: 'workspace memory',
  },
  fault: {
    D: 'data, disk, database, audit, descriptors, clock',
    U: 'upstream',
    K: 'server killed or stopped',
    C: "the agent's CLI",
    Q: 'acceptance and queue',
    T: 'cancel and time limit',
    X: 'Redis, between replicas',
  },
};

/** In the name of a test that is skipped, or of its group: `test/support/cases.ts` writes it. */
const REASON = /\(skipped: (.+)\)$/;
const ID = /^\[([A-Z]\d\d)\] /;
/** A name in a spec that begins with an id, in whatever quotes. */
const DECLARATION = /(['"`])\[([A-Z]\d\d)\] ((?:\\.|(?!\1).)*)\1/g;

/**
 * @typedef {'attack' | 'fault'} Folder
 * @typedef {{ id: string, folder: Folder, title: string, file: string }} Case one name in a spec; the rows of `it.each` and the tests of a `describe` with an id are one case
 * @typedef {{ ancestorTitles: string[], title: string, status: string }} TestResult one test of Jest's JSON
 * @typedef {{ passed: number, failed: number, skipped: number, reason?: string }} Outcome
 */

/** Every case, by id. @returns {Case[]} */
export function declaredCases() {
  const cases = /** @type {Folder[]} */ (['attack', 'fault']).flatMap((folder) =>
    globSync(join(ROOT, 'test', folder, '**', '*.spec.ts')).flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(DECLARATION)].map(([, , id = '', name = '']) => ({
        id,
        folder,
        title: titleOf(name),
        file: relative(ROOT, file),
      })),
    ),
  );
  return cases.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** A name without what `it.each` puts into it: the name up to the first placeholder. @param {string} name */
const titleOf = (name) => name.replace(/[\s:,("“]*(%[sjpdi#]|\$\{?\w).*$/, '').replaceAll(/\\(.)/g, '$1');

/** What is wrong with the ids themselves. @param {Case[]} cases @returns {string[]} */
export function problemsOfIds(cases) {
  const twice = cases.filter(({ id }, index) => cases[index - 1]?.id === id);
  const strange = cases.filter(({ id, folder }) => !(id.charAt(0) in CATEGORIES[folder]));
  return [
    ...twice.map(({ id, file }) => `the case ${id} stands twice, the second time in ${file}`),
    ...strange.map(({ id, file }) => `the case ${id} in ${file} has the letter of no category of its folder`),
  ];
}

/**
 * What became of each case, and what is wrong with how the tests are named.
 * @param {TestResult[]} results of the specs in test/attack and test/fault
 * @param {boolean} filtered tests were chosen by name: whatever was not chosen is left out
 */
export function outcomesOf(results, filtered) {
  /** @type {Map<string, Outcome>} */
  const outcomes = new Map();
  /** @type {string[]} */
  const problems = [];
  for (const { ancestorTitles, title, status } of results) {
    const names = [...ancestorTitles, title];
    const id = names.map((name) => ID.exec(name)?.[1]).find((found) => found !== undefined);
    const reason = names.map((name) => REASON.exec(name)?.[1]).find((found) => found !== undefined);
    const kind = status === 'passed' || status === 'failed' ? status : 'skipped';
    if (kind === 'skipped' && reason === undefined && filtered) continue;
    if (id === undefined) problems.push(`a test has no case id: ${names.join(' › ')}`);
    if (kind === 'skipped' && reason === undefined)
      problems.push(`skipped without a reason: ${names.join(' › ')}`);
    if (id === undefined) continue;
    const outcome = outcomes.get(id) ?? { passed: 0, failed: 0, skipped: 0 };
    outcome[kind] += 1;
    outcome.reason ??= reason;
    outcomes.set(id, outcome);
  }
  return { outcomes, problems };
}

/** `passed`, `passed (12)` for so many tests, `skipped: needs root`. @param {Outcome} outcome */
function inWords({ passed, failed, skipped, reason }) {
  const all = passed + failed + skipped;
  if (failed > 0) return all === 1 ? 'FAILED' : `FAILED (${failed} of ${all})`;
  if (passed === 0) return `skipped: ${reason ?? 'no reason given'}`;
  const some = all === 1 ? 'passed' : `passed (${passed})`;
  return skipped === 0 ? some : `${some}, ${skipped} skipped: ${reason ?? 'no reason given'}`;
}

/** @param {Outcome} outcome @returns {'failed' | 'skipped' | 'passed'} */
const verdict = ({ passed, failed }) => (failed > 0 ? 'failed' : passed === 0 ? 'skipped' : 'passed');

/** The table: id, category, outcome, what must not work. @param {Case[]} cases @param {Map<string, Outcome>} outcomes */
export function printTable(cases, outcomes) {
  const rows = cases.flatMap((case_) => {
    const outcome = outcomes.get(case_.id);
    return outcome === undefined ? [] : [[case_.id, categoryOf(case_), inWords(outcome), case_.title]];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log();
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const outcome of outcomes.values()) count[verdict(outcome)] += 1;
  console.log(
    `\n${outcomes.size} cases: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`,
  );
}

/** A line per category. @param {Case[]} cases @param {Map<string, Outcome>} outcomes */
export function printCategories(cases, outcomes) {
  /** @type {Map<string, { passed: number, failed: number, skipped: number }>} */
  const counts = new Map();
  for (const case_ of cases) {
    const outcome = outcomes.get(case_.id);
    if (outcome === undefined) continue;
    const name = `${case_.id.charAt(0)} ${categoryOf(case_)}`;
    const count = counts.get(name) ?? { passed: 0, failed: 0, skipped: 0 };
    count[verdict(outcome)] += 1;
    counts.set(name, count);
  }
  console.log('\ncases');
  for (const [name, { passed, failed, skipped }] of counts)
    console.log(`  ${name.padEnd(50)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

/** @param {Case} case_ @returns {string} */
export const categoryOf = ({ id, folder }) =>
  /** @type {Record<string, string>} */ (CATEGORIES[folder])[id.charAt(0)] ?? '?';
