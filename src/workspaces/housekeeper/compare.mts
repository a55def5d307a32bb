/** What differs between two states of a workspace, with the text of both sides as far as it is known and small enough. */
import { isUtf8 } from 'node:buffer';
import { byBytes } from './files.mts';
import { shown } from './names.mts';
import type { ChangeLine } from './protocol.mts';
import { type Manifest, recall, type Recorded } from './store.mts';

/** Bytes of content in one answer; past them, changes are still told, without it. */
const CONTENT_BUDGET = 8 * 1024 * 1024;

export function compare(before: Manifest, after: Manifest, contentMaxBytes: number): ChangeLine[] {
  let budget = CONTENT_BUDGET;
  return changedNames(before, after).map((name) => {
    const [old, now] = [before.entries[name], after.entries[name]];
    const line = describe(name, old, now);
    const sides = [old, now].filter((side): side is Recorded => side !== undefined && side.type !== 'other');
    if (sides.length === 0) return line;
    const contents = sides.map((side) => contentOf(side, Math.min(contentMaxBytes, budget)));
    if (contents.some((content) => content === undefined)) return { ...line, truncated: true };
    const known = contents.filter((content) => content !== undefined);
    if (!known.every(isText)) return { ...line, binary: true };
    budget -= known.reduce((sum, content) => sum + content.length, 0);
    const texts = known.map((content) => content.toString('utf8'));
    return {
      ...line,
      ...(line.modeBefore === undefined ? {} : { before: texts.shift() }),
      ...(line.modeAfter === undefined ? {} : { after: texts.shift() }),
    };
  });
}

function changedNames(before: Manifest, after: Manifest): string[] {
  const names = new Set([...Object.keys(before.entries), ...Object.keys(after.entries)]);
  return [...names].filter((name) => !isSame(before.entries[name], after.entries[name])).sort(byBytes);
}

function isSame(a: Recorded | undefined, b: Recorded | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.type !== b.type || a.target !== b.target) return false;
  if (a.type === 'symlink') return true;
  if (a.mode !== b.mode || a.size !== b.size) return false;
  if (a.type === 'other') return true;
  if (a.hash !== undefined && b.hash !== undefined) return a.hash === b.hash;
  return a.modified === b.modified && a.changed === b.changed && a.inode === b.inode;
}

function describe(name: string, old: Recorded | undefined, now: Recorded | undefined): ChangeLine {
  return {
    path: shown(name),
    action: old === undefined ? 'created' : now === undefined ? 'deleted' : 'modified',
    size: now?.size ?? 0,
    ...(old && modeOf(old) !== undefined ? { modeBefore: modeOf(old) } : {}),
    ...(now && modeOf(now) !== undefined ? { modeAfter: modeOf(now) } : {}),
  };
}

function modeOf({ type, mode }: Recorded): string | undefined {
  if (type === 'other') return undefined;
  return type === 'symlink' ? '120000' : `100${mode.toString(8).padStart(3, '0')}`;
}

/** Undefined when it is larger than `max`, or was never read. */
function contentOf({ type, size, hash, target }: Recorded, max: number): Buffer | undefined {
  if (type === 'symlink') return Buffer.from(target ?? '', 'latin1');
  return size > max || hash === undefined ? undefined : recall(hash);
}

const isText = (content: Buffer) => isUtf8(content) && !content.includes(0);
