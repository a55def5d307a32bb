/** How the scripts talk: one line per step, and one line when a step cannot be done. */

/** A step that failed for a reason the reader can mend; the message says how. */
export class SetupError extends Error {}

/** @param {string} line */
export const say = (line) => console.log(`caisson: ${line}`);

/**
 * Runs a script's main function: a SetupError is printed as one line, anything else is a defect and keeps its stack.
 * @param {() => number | Promise<number>} main answers the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof SetupError ? `caisson: ${error.message}` : error);
    process.exitCode = 1;
  }
}
