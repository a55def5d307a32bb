/** How much one sandbox may take of the machine, from the settings. */
import type { SettingValues } from '../../config/settings.js';

export interface ResourceLimits {
  /** Bytes, those of its /tmp, home and shared memory included. */
  memoryBytes: number;
  /** Processes and threads, bubblewrap's own included. */
  processes: number;
  /** Processors, may be a fraction. */
  cpus: number;
  /** Open files of one process. */
  openFiles: number;
  /** Bytes of one file. */
  fileBytes: number;
  /** Bytes on disk of a workspace that is written to. */
  workspaceBytes: number;
  /** Files and directories of such a workspace. */
  workspaceEntries: number;
}

export const resourceLimits = (values: SettingValues): ResourceLimits => ({
  memoryBytes: values.SANDBOX_MEMORY_BYTES,
  processes: values.SANDBOX_PROCESSES,
  cpus: values.SANDBOX_CPUS,
  openFiles: values.SANDBOX_OPEN_FILES,
  fileBytes: values.SANDBOX_FILE_BYTES,
  workspaceBytes: values.SANDBOX_WORKSPACE_BYTES,
  workspaceEntries: values.SANDBOX_WORKSPACE_ENTRIES,
});
