/** Where an execution works: a project of the server that holds the files of a directory here, or one that is there already. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { Connection } from './connection.js';
import type { Manifest } from './files/pack.js';
import { pack } from './files/pack.js';
import { existingDirectory, insideOf, treeOf } from './files/tree.js';
import { elapsed } from './output/amounts.js';
import { printable } from './output/printable.js';
import type { Terminal } from './output/terminal.js';
import type { Settings } from './settings.js';

export interface Workplace {
  projectId: string;
  /** Of the files here; undefined in a project of the server, whose changes stay there. */
  local?: { root: string; manifest: Manifest };
}

/** Names of what was left out that are listed. */
const NAMED_MAX = 5;

/**
 * @param named path that the command is about, sent also where git ignores it
 * @throws CommandError, CaissonError
 */
export async function workplaceOf(
  settings: Settings,
  connection: Connection,
  terminal: Terminal,
  signal: AbortSignal,
  named: readonly string[] = [],
): Promise<Workplace> {
  if (settings.project !== undefined) return { projectId: settings.project };
  const root = existingDirectory(settings.directory);
  const projectId = projectOf(root);
  const since = performance.now();
  const tree = treeOf(root, { only: settings.only.map((path) => insideOf(root, path)), named });
  const { archive, manifest } = pack(tree);
  // In full each time: what the last execution left there is gone, and the agent sees what is here.
  const { bytes } = await connection.client.upload(projectId, archive, { mode: 'replace', signal });
  if (terminal.live) {
    const size = `${tree.paths.length} files, ${Math.ceil(bytes / 1024).toLocaleString('en-US')} KiB`;
    terminal.say(
      terminal.err('dim', `${size} sent to ${connection.where} · ${elapsed(performance.now() - since)}`),
    );
  }
  if (tree.leftOut.length > 0) {
    const more = tree.leftOut.length > NAMED_MAX ? `\n  … and ${tree.leftOut.length - NAMED_MAX} more` : '';
    terminal.say(`not sent:\n  ${printable(tree.leftOut.slice(0, NAMED_MAX).join('\n  '))}${more}`);
  }
  return { projectId, local: { root, manifest: await manifest } };
}

/** The same one for the same directory of the same machine: its workspace is used again, and is warm. */
function projectOf(root: string): string {
  const name = basename(root)
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 40);
  const place = createHash('sha256').update(`${hostname()}\0${root}`).digest('hex').slice(0, 12);
  return `cli-${name === '' ? 'root' : name}-${place}`;
}
