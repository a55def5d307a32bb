/** What is at a name of the workspace, if anything is. */
import { lstatSync, type Stats } from 'node:fs';
import { isAbsence } from './failure.mts';
import { onDisk } from './names.mts';

/** Follows no link at the name itself. Undefined when nothing is there. */
export function statsIfAny(name: string): Stats | undefined {
  try {
    return lstatSync(onDisk(name));
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}
