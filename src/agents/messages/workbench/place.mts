/** From a path as a model writes it to a name in the workspace, and back. */
import { Failure } from '../../../workspaces/housekeeper/failure.mts';
import { fromUtf8, ROOT, shown } from '../../../workspaces/housekeeper/names.mts';

/** Absolute below the workspace, or relative to the directory that is worked in; links and `..` are not followed yet. */
export function nameOf(path: string, directory: string): string {
  if (path === '' || path.includes('\0')) throw new Failure('E003', 'that is no path');
  const name = fromUtf8(path);
  if (path === ROOT) return '';
  if (path.startsWith(`${ROOT}/`)) return name.slice(ROOT.length + 1);
  if (path.startsWith('/'))
    throw new Failure('E004', `the path leads out of the workspace, which is ${ROOT}`);
  return directory === '.' ? name : `${fromUtf8(directory)}/${name}`;
}

/** As the model may write it again: relative to the directory where it is below it. */
export function told(name: string, directory: string): string {
  const above = directory === '.' ? '' : `${fromUtf8(directory)}/`;
  return name.startsWith(above) ? shown(name.slice(above.length)) : `${ROOT}/${shown(name)}`;
}
