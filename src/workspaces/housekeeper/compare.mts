/** What differs between two trees, with the text of both sides as far as it is kept and small enough. */
import { isUtf8 } from 'node:buffer';
import { shown } from './names.mts';
import type { ChangeLine } from './protocol.mts';
import { recall } from './store.mts';
import { differences, type Entry, entryOf, type Tree } from './tree.mts';

/** Bytes of content in one answer; past them, changes are still told, without it. */
const CONTENT_BUDGET = 8 * 1024 * 1024;

export function compare(before: Tree, after: Tree, contentMaxBytes: number): ChangeLine[] {
  let budget = CONTENT_BUDGET;
  return differences(before, after).flatMap((name) => {
    const [old, now] = [before, after].map((tree) => entryAt(tree, name));
    // A directory that became something else, or the other way round: one went and another came.
    if (old && now && (old.type === 'directory') !== (now.type === 'directory'))
      return [tell(name, old, undefined), tell(name, undefined, now)];
    return tell(name, old, now);
  });

  function tell(name: string, old: Entry | undefined, now: Entry | undefined): ChangeLine {
    const line = describe(name, old, now);
    const sides = [old, now].filter(hasContent);
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
  }
}

export function entryAt(tree: Tree, name: string): Entry | undefined {
  const line = tree.get(name);
  return line === undefined ? undefined : entryOf(line);
}

type WithContent = Extract<Entry, { type: 'file' | 'unread' | 'symlink' }>;
const hasContent = (entry: Entry | undefined): entry is WithContent =>
  entry !== undefined && entry.type !== 'other' && entry.type !== 'directory';

function describe(name: string, old: Entry | undefined, now: Entry | undefined): ChangeLine {
  const present = now ?? old;
  return {
    path: shown(name),
    action: old === undefined ? 'created' : now === undefined ? 'deleted' : 'modified',
    size: now === undefined ? 0 : sizeOf(now),
    ...(present?.type === 'directory' ? { directory: true } : {}),
    ...(old && modeOf(old) !== undefined ? { modeBefore: modeOf(old) } : {}),
    ...(now && modeOf(now) !== undefined ? { modeAfter: modeOf(now) } : {}),
  };
}

function sizeOf(entry: Entry): number {
  if (entry.type === 'symlink') return entry.target.length;
  return 'size' in entry ? entry.size : 0;
}

/** As git writes modes; git knows neither directories nor special files. */
function modeOf(entry: Entry): string | undefined {
  if (entry.type === 'symlink') return '120000';
  return 'size' in entry ? `100${entry.mode.toString(8).padStart(3, '0')}` : undefined;
}

/** Undefined when it is larger than `max`, or is not kept. */
function contentOf(entry: WithContent, max: number): Buffer | undefined {
  if (entry.type === 'symlink') return Buffer.from(entry.target, 'latin1');
  return entry.type === 'unread' || entry.size > max ? undefined : recall(entry.hash);
}

const isText = (content: Buffer) => isUtf8(content) && !content.includes(0);
