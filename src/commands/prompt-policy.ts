/** The courtesy check: recognises a prompt that plainly asks to leave the workspace. It protects nothing; the sandbox does. */

/**
 * A path that climbs out and then names a directory of the system, as in the specification's
 * `Create file at ../../etc/passwd`. `../lib/x` or an absolute path alone is ordinary talk about code and passes.
 */
const CLIMBING_PATH =
  /(?:\.\.[/\\]){1,64}(?:etc|root|home|proc|sys|dev|usr|var|boot|bin|sbin|opt|run|srv|mnt)(?:[/\\]|\b)/i;

export const asksToLeave = (prompt: string): boolean => CLIMBING_PATH.test(prompt);
