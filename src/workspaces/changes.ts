/** Turns what the housekeeper found changed into the change set that clients get. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import type { ChangeLine } from './housekeeper/protocol.mts';
import type { ChangeSet, DirectoryChange, FileChange } from './workspace.js';
import { unifiedDiff } from './unified-diff.js';

const CHANGE_LINE = z.object({
  path: z.string(),
  action: z.enum(['created', 'modified', 'deleted']),
  size: z.number(),
  directory: z.boolean().optional(),
  modeBefore: z.string().optional(),
  modeAfter: z.string().optional(),
  before: z.string().optional(),
  after: z.string().optional(),
  binary: z.boolean().optional(),
  truncated: z.boolean().optional(),
}) satisfies z.ZodType<ChangeLine>;

export async function changeSet(lines: readonly string[], skipped: ChangeSet['skipped']): Promise<ChangeSet> {
  const files: FileChange[] = [];
  const directories: DirectoryChange[] = [];
  const diffs: string[] = [];
  for (const line of lines) {
    const change = CHANGE_LINE.parse(JSON.parse(line));
    if (change.directory === true) directories.push({ path: change.path, action: change.action });
    else {
      files.push(fileChange(change));
      diffs.push(unifiedDiff(change));
    }
    // Many large diffs take a while: others get their turn in between.
    await nextTurn();
  }
  return { files, ...(directories.length > 0 ? { directories } : {}), diff: diffs.join(''), skipped };
}

function fileChange({ path, action, size, after, binary, truncated }: ChangeLine): FileChange {
  const content = action === 'deleted' ? '' : after;
  return {
    path,
    action,
    size,
    ...(content === undefined ? {} : { content }),
    ...(binary === undefined ? {} : { binary }),
    ...(truncated === undefined ? {} : { truncated }),
  };
}
