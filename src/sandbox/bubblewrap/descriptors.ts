/** Which file descriptor of the bubblewrap process carries what, beside the program's own 0, 1 and 2. */
import { ETC_FILES } from './etc-files.js';

export const DESCRIPTOR = {
  /** The argument list, so that no host path is to be seen in `ps`. */
  arguments: 3,
  /** `--json-status-fd`: where bubblewrap tells the process id of the sandbox's init. */
  status: 4,
  /** The init line tells here that it runs. */
  ready: 5,
  /** The system call filter. */
  filter: 6,
  /** The first of the files of /etc, one descriptor each. */
  etc: 7,
} as const;

/** The first of an order's own files, one descriptor each; after them come the entrances of the sandbox's limits. */
export const FILES_DESCRIPTOR = DESCRIPTOR.etc + ETC_FILES.length;
