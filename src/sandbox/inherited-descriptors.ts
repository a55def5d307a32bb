/** Closes what the server's parent left open in it, so that nothing of it is inherited by a sandbox. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** O_CLOEXEC in the `flags` line of /proc/<pid>/fdinfo (octal; asm-generic/fcntl.h). */
const O_CLOEXEC = 0o2000000;

/**
 * Everything Node opens closes itself on exec; a descriptor above 2 that does not came from outside. Node marks only
 * the first few of those by itself: a shell's descriptor 251 was seen to reach a sandbox.
 * @returns the descriptors that were closed
 */
export function closeInheritedDescriptors(): number[] {
  const inherited = readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInherited(descriptor));
  for (const descriptor of inherited) closeSync(descriptor);
  return inherited;
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    return false; // the descriptor of the listing itself, gone by now
  }
}
