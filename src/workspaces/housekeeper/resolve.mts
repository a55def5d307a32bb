/** Follows a path through the links of a workspace, part by part, and refuses the step that would leave it. */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { errorCode, Failure } from './failure.mts';
import { onDisk, ROOT } from './names.mts';

/** As the kernel's own limit. */
const LINKS_MAX = 40;

export interface Place {
  /** Without links, relative to the workspace; '' is the workspace itself. Parts that do not exist are its last ones. */
  name: string;
  /** Undefined when nothing is there. */
  stats?: Stats;
  /** How many parts, at the end of the name, do not exist. */
  missing: number;
}

/**
 * @param lastLink whether a link in the last part is followed too
 * @throws Failure E004 where a link leads out of the workspace or in circles
 */
export function resolve(path: string, { lastLink }: { lastLink: boolean }): Place {
  const pending = path.split('/').filter(isStep);
  let at: string[] = [];
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') {
      if (at.pop() === undefined) throw outside();
      continue;
    }
    const name = [...at, part].join('/');
    const stats = lstatIfAny(name);
    if (stats === undefined) {
      if (pending.includes('..')) throw new Failure('E009', 'no such file');
      return { name: [name, ...pending].join('/'), missing: 1 + pending.length };
    }
    if (stats.isSymbolicLink() && (lastLink || pending.length > 0)) {
      if ((links += 1) > LINKS_MAX) throw new Failure('E004', 'the path leads through links in a circle');
      const target = targetOf(name);
      if (target.startsWith('/')) {
        if (target !== ROOT && !target.startsWith(`${ROOT}/`)) throw outside();
        at = [];
      }
      pending.unshift(
        ...target
          .slice(target.startsWith('/') ? ROOT.length : 0)
          .split('/')
          .filter(isStep),
      );
      continue;
    }
    if (pending.length > 0 && !stats.isDirectory()) throw new Failure('E009', 'no such file');
    at.push(part);
  }
  const name = at.join('/');
  return { name, stats: lstatSync(onDisk(name)), missing: 0 };
}

/** The place, when something is there. @throws Failure E009 */
export function resolveExisting(path: string, options: { lastLink: boolean }): Place & { stats: Stats } {
  const { name, stats } = resolve(path, options);
  if (stats === undefined) throw new Failure('E009', 'no such file');
  return { name, stats, missing: 0 };
}

/** What was a link a moment ago may be none any more. */
function targetOf(name: string): string {
  try {
    return readlinkSync(onDisk(name), 'latin1');
  } catch (error) {
    if (errorCode(error) === 'EINVAL')
      throw new Failure('E004', 'the path leads through a link that changes');
    throw error;
  }
}

const isStep = (part: string) => part !== '' && part !== '.';
const outside = () => new Failure('E004', 'the path leads out of the workspace');

function lstatIfAny(name: string): Stats | undefined {
  try {
    return lstatSync(onDisk(name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
