/** What executions made of the files, fetched whole: of each path only how it is in the end. */
import { Readable } from 'node:stream';
import tar from 'tar-stream';
import type { CaissonClient } from '../../client/client.js';

export type After = { kind: 'file'; content: Buffer; mode: number } | { kind: 'gone' };

export interface Outcome {
  files: Map<string, After>;
  /** Directories that are gone, deepest last. */
  directoriesGone: Set<string>;
  /** What changed and does not come back, with the reason. */
  leftOut: string[];
  /** As git writes it; of several executions one after the other. */
  diff: string;
}

/** @param ids in the order in which they wrote */
export async function outcomeOf(client: CaissonClient, ids: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { files: new Map(), directoriesGone: new Set(), leftOut: [], diff: '' };
  for (const id of ids) await addOne(client, id, outcome);
  return outcome;
}

async function addOne(client: CaissonClient, id: string, outcome: Outcome): Promise<void> {
  const { files, directories = [] } = await client.changes(id);
  if (files.length + directories.length === 0) return;
  outcome.diff += await client.diff(id);
  const contents = await contentsOf(await client.changedFiles(id));
  for (const { path, action } of files) {
    const content = contents.get(path);
    if (action === 'deleted') outcome.files.set(path, { kind: 'gone' });
    else if (typeof content === 'object') outcome.files.set(path, content);
    else outcome.leftOut.push(`${path} ${content ?? 'is too large to be kept'}`);
  }
  for (const { path, action } of directories)
    if (action === 'deleted') outcome.directoriesGone.add(path);
    else outcome.directoriesGone.delete(path);
}

/** By path: the file, or why it is none that is brought back. */
async function contentsOf(archive: ReadableStream<Uint8Array>): Promise<Map<string, After | string>> {
  const contents = new Map<string, After | string>();
  const extract = tar.extract();
  const source = Readable.fromWeb(archive);
  source.once('error', (error) => extract.destroy(error));
  source.pipe(extract);
  for await (const entry of extract) {
    const { name, type, mode } = entry.header;
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    if (type === 'directory') continue;
    contents.set(
      name.replace(/^\.\//, ''),
      type === 'file' ? { kind: 'file', content: Buffer.concat(chunks), mode } : `is now a ${type}`,
    );
  }
  return contents;
}
