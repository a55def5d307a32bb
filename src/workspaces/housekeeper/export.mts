/** What a tree has and another has not, as a tar archive: files and links as they are after the change. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { makeFile } from './journal.mts';
import { isKept, STATE } from './store.mts';
import { stepsBetween } from './transition.mts';
import { entryOf, type Tree } from './tree.mts';

/** Calls `begin` when all is laid ready, then sends the archive. Contents that were not kept are left out. */
export async function exportChanges(
  before: Tree,
  after: Tree,
  begin: () => void,
  output: NodeJS.WritableStream,
): Promise<void> {
  const directory = `${STATE}/export-${randomBytes(8).toString('hex')}`;
  mkdirSync(directory);
  try {
    for (const { name, to } of stepsBetween(before, after)) if (to !== undefined) lay(directory, name, to);
    begin();
    const tar = spawn(
      '/bin/tar',
      [
        '--create',
        '--format=pax',
        '--sort=name',
        '--mtime=@0',
        '--owner=0',
        '--group=0',
        '--numeric-owner',
      ].concat('--pax-option=delete=atime,delete=ctime', '--directory', directory, '.'),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(tar, 'close');
    for await (const chunk of tar.stdout) if (!output.write(chunk as Buffer)) await once(output, 'drain');
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`tar ended with ${code}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function lay(directory: string, name: string, line: string): void {
  const entry = entryOf(line);
  const path = `${directory}/${name}`;
  const above = entry.type === 'directory' ? path : path.slice(0, path.lastIndexOf('/'));
  mkdirSync(Buffer.from(above, 'latin1'), { recursive: true });
  if (entry.type === 'symlink' || (entry.type === 'file' && isKept(entry.hash)))
    makeFile(line, Buffer.from(path, 'latin1'));
}
