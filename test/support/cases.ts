/** Cases that some machines cannot run: skipped there, with the reason in their name, where the table of the run finds it. */

/** `it` where the condition holds. @param need what is missing otherwise, e.g. `needs root` */
export const itWhere = (holds: boolean, need: string) => (name: string, run: () => Promise<void>) =>
  holds ? it(name, run) : it.skip(`${name} (skipped: ${need})`, run);

/** `describe` where the condition holds. */
export const describeWhere = (holds: boolean, need: string) => (name: string, tests: () => void) =>
  holds ? describe(name, tests) : describe.skip(`${name} (skipped: ${need})`, tests);

/** As root, each user's sandboxes have a uid of their own. */
export const itAsRoot = itWhere(process.getuid?.() === 0, 'needs root');
