/** The pool's settings and figures, as the rows need them. */

/** Nothing is started ahead. */
export const NO_POOL: NodeJS.ProcessEnv = {};
