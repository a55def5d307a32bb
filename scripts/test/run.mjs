/** The test run: static checks, all specs, nothing left alive; counts by folder and one closing line. */
import { printCounts, sum } from './counts.mjs';
import { runJest } from './jest.mjs';
import { endLeftOvers } from './left-overs.mjs';
import { runStaticChecks } from './static-checks.mjs';

const args = process.argv.slice(2);

const checks = args.length === 0 ? [await runStaticChecks()] : [];
const { ok, byFolder } = runJest(args);

const leftOvers = await endLeftOvers(process.ppid);
for (const leftOver of leftOvers) console.error(`left running by the tests: ${leftOver}`);
checks.push({ passed: leftOvers.length === 0 ? 1 : 0, failed: leftOvers.length, skipped: 0 });

const tests = sum([...byFolder.values()]);
printCounts(new Map([...byFolder, ['checks', sum(checks)]]));

const ran = tests.passed + tests.failed;
if (ran === 0) console.error('no test ran');
process.exitCode = ok && ran > 0 && leftOvers.length === 0 && sum(checks).failed === 0 ? 0 : 1;
