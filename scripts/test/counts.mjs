/** Counting what ran, by folder. */

/** @typedef {{ passed: number, failed: number, skipped: number }} Count */

/** @param {Count[]} counts @returns {Count} */
export const sum = (counts) =>
  counts.reduce(
    (total, count) => ({
      passed: total.passed + count.passed,
      failed: total.failed + count.failed,
      skipped: total.skipped + count.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );

/** @param {Count} count */
const line = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`;

/**
 * A line per folder, then the total alone on the last line.
 * @param {Map<string, Count>} byFolder
 */
export function printCounts(byFolder) {
  console.log();
  for (const [folder, count] of byFolder) console.log(`${folder.padEnd(9)} ${line(count)}`);
  console.log(`\n${line(sum([...byFolder.values()]))}`);
}
