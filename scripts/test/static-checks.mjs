/** The static checks, all of them even when one fails; a check's output is shown only then. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { NODE, ROOT } from '../setup/paths.mjs';

/** The npm script of each check is its one definition, so that `npm run lint` and this are the same. */
const CHECKS = ['format:check', 'lint', 'types', 'imports', 'unused'];

/** @returns {Promise<import('./counts.mjs').Count>} */
export async function runStaticChecks() {
  const results = [];
  // One after the other: the linter and the compiler fill both cores of a small machine and a good part of its memory.
  for (const check of CHECKS) results.push(await runCheck(check));
  const failed = results.filter((passed) => !passed).length;
  return { passed: results.length - failed, failed, skipped: 0 };
}

/** @param {string} name */
async function runCheck(name) {
  const start = performance.now();
  const check = spawn(NODE, ['--run', name], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise((resolve, reject) => {
    check.once('error', reject);
    check.once('exit', resolve);
  });
  const [code, stdout, stderr] = await Promise.all([exit, text(check.stdout), text(check.stderr)]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (code !== 0) console.log(`${stdout}${stderr}`);
  return code === 0;
}
