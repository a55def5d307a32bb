/** What the housekeeper refuses, as a code of the server's error catalogue; anything else it throws is a defect. */
import type { FailureCode } from './protocol.mts';

export class Failure extends Error {
  readonly code: FailureCode;
  readonly details?: Record<string, unknown>;

  constructor(code: FailureCode, message: string, details?: Record<string, unknown>) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** What the kernel's refusals mean to a caller. */
const MEANINGS: Readonly<Record<string, readonly [FailureCode, string]>> = {
  ENOENT: ['E009', 'no such file'],
  ENOTDIR: ['E009', 'no such file'],
  EACCES: ['E004', 'the file cannot be accessed'],
  EPERM: ['E004', 'the file cannot be accessed'],
  ELOOP: ['E004', 'the path leads through a link that changes'],
  ENXIO: ['E004', 'not a regular file'],
  EISDIR: ['E004', 'a directory is there'],
  ENAMETOOLONG: ['E003', 'the path is too long'],
  // Of the host's disk, not of the workspace: that one's limit is held from outside.
  ENOSPC: ['E012', 'no space is left on the server'],
  EDQUOT: ['E012', 'no space is left on the server'],
  EROFS: ['E012', 'the disk of the server is read-only'],
  EIO: ['E012', 'the disk of the server fails'],
  EFBIG: ['E015', 'the file is too large'],
  EMFILE: ['E015', 'too many files are open'],
};

/** The failure that an error is, or undefined for a defect. */
export function asFailure(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  const meaning = MEANINGS[errorCode(error) ?? ''];
  return meaning && new Failure(...meaning);
}

/** Nothing is there: not at the name, nor below a file or below links in a circle. Said of what follows no link itself. */
export const isAbsence = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');

export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
