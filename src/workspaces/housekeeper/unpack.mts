/** Unpacks an archive into the workspace, whole or not at all. */
import { isUtf8 } from 'node:buffer';
import { Failure } from './failure.mts';
import { fromUtf8 } from './names.mts';
import { place } from './placing.mts';
import type { ArchiveFormat, ArchiveLimits, Placing } from './protocol.mts';
import { resolve } from './resolve.mts';
import { StagedTree } from './staged-tree.mts';
import { withStaging } from './staging.mts';

export interface Unpacked {
  files: number;
  /** Of all files. */
  bytes: number;
}

/** @throws Failure E003, E004, E010, E015; the workspace is as it was then */
export async function unpack(
  { staging, into, mode, format, limits }: Placing & { format: ArchiveFormat; limits: ArchiveLimits },
  content: AsyncIterable<Buffer>,
): Promise<Unpacked> {
  const target = targetDirectory(into);
  return withStaging(staging, async () => {
    const tree = new StagedTree(`${staging}/tree`, target, limits);
    if (format === 'zip') {
      const { unzip } = await import('./unzip.mts');
      await unzip(content, `${staging}/archive`, tree, limits);
    } else {
      const { untar } = await import('./untar.mts');
      await untar(content, tree, limits);
    }
    place(staging, fromUtf8(target), mode);
    return { files: tree.files, bytes: tree.bytes };
  });
}

/** Where a path leads in the workspace, as UTF-8. @throws Failure E004, E010 */
export function targetDirectory(path: string): string {
  if (path === '') return '';
  const { name, stats } = resolve(fromUtf8(path), { lastLink: true });
  const bytes = Buffer.from(name, 'latin1');
  if (!isUtf8(bytes)) throw new Failure('E004', 'the path leads to a name that is not UTF-8');
  if (stats !== undefined && !stats.isDirectory()) throw new Failure('E010', 'the path is no directory');
  return bytes.toString('utf8');
}
