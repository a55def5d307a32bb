/** Removes what nobody names any more: trees, and the contents that no remaining tree names. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { loadIndex, saveIndex } from './stat-index.mts';
import { objectPath, STATE } from './store.mts';
import { baseOf, loadTree, treePath } from './tree.mts';

const HASH = /^[0-9a-f]{64}$/;

/**
 * @param named trees that stay
 * @param graceMs milliseconds for which a tree stays in any case: whoever has made it may not have named it yet
 */
export function collect(named: readonly string[], graceMs: number): { trees: number; contents: number } {
  const young = Date.now() - graceMs;
  const index = loadIndex();
  const staying = new Set([...named, index?.tree ?? '']);
  const all = filesIn('trees');
  for (const tree of all) if (HASH.test(tree) && statSync(treePath(tree)).mtimeMs > young) staying.add(tree);
  for (const tree of [...staying]) {
    const base = existsSync(treePath(tree)) ? baseOf(tree) : undefined;
    if (base !== undefined) staying.add(base);
  }
  const going = all.filter((tree) => !staying.has(tree));
  const contents = new Set<string>();
  for (const tree of all)
    if (staying.has(tree) && HASH.test(tree))
      for (const line of loadTree(tree).values()) if (line.startsWith('file ')) contents.add(line.slice(-64));
  for (const tree of going) rmSync(treePath(tree), { force: true });
  let removed = 0;
  let kept = 0;
  for (const shelf of filesIn('objects'))
    for (const name of filesIn(`objects/${shelf}`)) {
      const path = HASH.test(name) ? objectPath(name) : `${STATE}/objects/${shelf}/${name}`;
      if (contents.has(name)) kept += statSync(path).size;
      else {
        rmSync(path);
        removed += 1;
      }
    }
  if (index !== undefined) saveIndex({ ...index, kept });
  return { trees: going.length, contents: removed };
}

const filesIn = (directory: string): string[] =>
  existsSync(`${STATE}/${directory}`) ? readdirSync(`${STATE}/${directory}`) : [];
