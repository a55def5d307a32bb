/** What the model is shown before it is asked: a map of the workspace, and the files that were asked for. */
import { lstatSync } from 'node:fs';
import { Failure } from '../../../workspaces/housekeeper/failure.mts';
import { fromUtf8, onDisk } from '../../../workspaces/housekeeper/names.mts';
import { walk } from '../../../workspaces/housekeeper/walk.mts';
import { told } from './place.mts';
import type { Survey, SurveyRequest } from './protocol.mts';
import { linesOf, readText } from './text-file.mts';
import { isLeftOut } from './tools.mts';

/** Entries that are counted: a larger workspace is a large one in any case. */
const COUNTED = 50_000;
/** Source files whose outline is made at most, and bytes of the largest of them: some hundred milliseconds. */
const OUTLINED = 300;
const OUTLINE_BYTES = 128 * 1024;
const OUTLINE_LINES = 12;
const OUTLINE_CHARS = 110;

const SOURCE = /\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|rb|php|cs|c|h|cc|cpp|hpp|swift|scala)$/i;
/** Lines that begin a declaration at the outermost level, in most languages. */
const DECLARATION =
  /^(?:export |pub |public |async |abstract |static |final |default )*(?:function|class|interface|type|enum|const|struct|trait|impl|def|func|fn|module|namespace)\b/;

interface Found {
  name: string;
  bytes: number;
}

export function survey({ directory, files, mapChars, filesChars, fill = false }: SurveyRequest): Survey {
  const { found, whole } = entriesBelow();
  const named =
    fill && files.length === 0
      ? contentsBelow(found, directory, filesChars)
      : contentsOf(files, directory, filesChars);
  const shown = new Set(named.flatMap(({ path, content }) => (content === undefined ? [] : [path])));
  return {
    entries: found.length,
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    whole,
    map: mapOf(found, directory, mapChars, shown),
    files: named,
  };
}

const depth = (name: string): number => name.split('/').length;

function entriesBelow(): { found: Found[]; whole: boolean } {
  const found: Found[] = [];
  try {
    walk(
      '',
      { maxEntries: COUNTED, leaveOut: isLeftOut },
      {
        entry: (name) => {
          const stats = lstatSync(onDisk(name), { throwIfNoEntry: false });
          if (stats?.isFile() === true) found.push({ name, bytes: stats.size });
        },
      },
    );
    return { found, whole: true };
  } catch (error) {
    if (error instanceof Failure) return { found, whole: false };
    throw error;
  }
}

/** Files nearest to the root first; below each source file its declarations, while there is room for them. */
function mapOf(
  found: readonly Found[],
  directory: string,
  chars: number,
  shown: ReadonlySet<string>,
): string {
  const below = (name: string) => (directory === '.' || name.startsWith(`${fromUtf8(directory)}/`) ? 0 : 1);
  const files = found.toSorted(
    (one, other) =>
      below(one.name) - below(other.name) ||
      depth(one.name) - depth(other.name) ||
      (one.name < other.name ? -1 : 1),
  );
  const lines: { path: string; line: string; outline: string[]; name: string }[] = [];
  let left = chars;
  for (const { name, bytes } of files) {
    const path = told(name, directory);
    const line = `${path} (${bytes})`;
    if (line.length + 1 > left) break;
    left -= line.length + 1;
    lines.push({ path, line, outline: [], name });
  }
  const sources = lines.filter(({ path }) => SOURCE.test(path) && !shown.has(path)).slice(0, OUTLINED);
  for (const source of sources) {
    const outline = outlineOf(source.name);
    const size = outline.reduce((sum, line) => sum + line.length + 1, 0);
    if (size > left) break;
    left -= size;
    source.outline = outline;
  }
  const more = files.length - lines.length;
  return [
    ...lines
      .toSorted((one, other) => (one.path < other.path ? -1 : 1))
      .flatMap(({ line, outline }) => [line, ...outline]),
    ...(more > 0 ? [`(${more} more files)`] : []),
  ].join('\n');
}

function outlineOf(name: string): string[] {
  try {
    const declared = linesOf(readText(name, OUTLINE_BYTES).text).filter((line) => DECLARATION.test(line));
    return declared.slice(0, OUTLINE_LINES).map((line) => `  ${line.slice(0, OUTLINE_CHARS)}`);
  } catch {
    return []; // no text, or gone: the map has its name all the same
  }
}

/** Nobody asked for it by name, and it is where keys are kept. */
const HIDDEN = /(?:^|\/)\./;

/** Sources before all else, nearest to the directory first; what is no text or has no room is in the map only. */
function contentsBelow(found: readonly Found[], directory: string, chars: number): Survey['files'] {
  const above = directory === '.' ? '' : `${fromUtf8(directory)}/`;
  const files = found
    .filter(({ name }) => name.startsWith(above) && !HIDDEN.test(name.slice(above.length)))
    .toSorted(
      (one, other) =>
        Number(SOURCE.test(other.name)) - Number(SOURCE.test(one.name)) ||
        depth(one.name) - depth(other.name) ||
        (one.name < other.name ? -1 : 1),
    );
  let left = chars;
  const shown: Survey['files'] = [];
  for (const { name, bytes } of files) {
    if (bytes > left) continue;
    try {
      const { text } = readText(name);
      if (text.length > left) continue;
      left -= text.length;
      shown.push({ path: told(name, directory), content: text });
    } catch {
      continue; // no text, or gone
    }
  }
  return shown;
}

function contentsOf(files: readonly string[], directory: string, chars: number): Survey['files'] {
  let left = chars;
  return files.map((file) => {
    const path = told(fromUtf8(file), directory);
    try {
      const { text } = readText(fromUtf8(file));
      if (text.length > left) return { path, problem: 'too long to be shown here: use Read' };
      left -= text.length;
      return { path, content: text };
    } catch (error) {
      return { path, problem: error instanceof Failure ? error.message : 'cannot be read: use List or Read' };
    }
  });
}
