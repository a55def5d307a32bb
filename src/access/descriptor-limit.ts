/** How many descriptors this process may open: what a flood of connections must not use up. */
import { readFileSync } from 'node:fs';

/** What Node may open where the kernel does not tell: the usual limit of a login. */
const USUAL = 1024;

/** Node raises its soft limit to the hard one when it starts, so what is read here is all there is. */
export function halfOfTheDescriptors(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? USUAL);
  return Math.max(1, Math.floor(soft / 2));
}
