/** The test run: static checks, all specs, nothing left alive; the numbered cases, counts by folder and one closing line. */
import { declaredCases, outcomesOf, printCategories, printTable, problemsOfIds } from './cases.mjs';
import { printCounts, sum } from './counts.mjs';
import { runJest } from './jest.mjs';
import { endLeftOvers } from './left-overs.mjs';
import { runStaticChecks } from './static-checks.mjs';

const args = process.argv.slice(2);

const checks = args.length === 0 ? [await runStaticChecks()] : [];
const { ok, byFolder, cases } = runJest(args);

const leftOvers = await endLeftOvers(process.ppid);
for (const leftOver of leftOvers) console.error(`left running by the tests: ${leftOver}`);
checks.push({ passed: leftOvers.length === 0 ? 1 : 0, failed: leftOvers.length, skipped: 0 });

const declared = declaredCases();
const filtered = args.some((arg) => /^(-t|--testNamePattern)\b/.test(arg));
const { outcomes, problems } = outcomesOf(cases, filtered);
if (cases.length > 0) problems.push(...problemsOfIds(declared));
for (const problem of problems) console.error(problem);
checks.push({ passed: problems.length === 0 ? 1 : 0, failed: problems.length, skipped: 0 });
if (outcomes.size > 0) (args.length === 0 ? printCategories : printTable)(declared, outcomes);

const tests = sum([...byFolder.values()]);
printCounts(new Map([...byFolder, ['checks', sum(checks)]]));

const ran = tests.passed + tests.failed;
if (ran === 0) console.error('no test ran');
process.exitCode = ok && ran > 0 && sum(checks).failed === 0 ? 0 : 1;
