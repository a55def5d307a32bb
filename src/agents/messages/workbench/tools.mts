/** The tools: each takes what the model gave, and says what the model is to know. */
import { lstatSync, rmSync } from 'node:fs';
import { Failure } from '../../../workspaces/housekeeper/failure.mts';
import { onDisk } from '../../../workspaces/housekeeper/names.mts';
import { resolve, resolveExisting } from '../../../workspaces/housekeeper/resolve.mts';
import { walk } from '../../../workspaces/housekeeper/walk.mts';
import { applyHunks, parsePatch } from './patch.mts';
import { globOf, patternOf } from './patterns.mts';
import { nameOf, told } from './place.mts';
import type { ToolName } from './protocol.mts';
import { linesOf, readText, writeText } from './text-file.mts';

/** Lines of a file that are read at once unless the model says how many. */
const READ_LINES = 2000;
/** Entries that are gone through, and that are told. */
const WALK_MAX = 100_000;
const LIST_MAX = 1000;
const FOUND_MAX = 200;
/** Bytes of a file that is searched, and characters of a line that is told. */
const SEARCH_BYTES = 1024 * 1024;
const LINE_CHARS = 300;

/** Directories that are neither listed nor searched unless they are asked for themselves. */
const LEFT_OUT = /(?:^|\/)(?:node_modules|\.git)$/;
export const isLeftOut = (name: string): boolean => LEFT_OUT.test(name);

type Tool = (input: Input, directory: string) => string;

/** What the model gave, field by field. */
export class Input {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(input: unknown) {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      throw new Failure('E003', 'the input must be an object');
    this.#fields = input as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw new Failure('E003', `${name} is missing`);
    return value;
  }

  optional(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw new Failure('E003', `${name} must be a text`);
    return value;
  }

  count(name: string, fallback: number): number {
    const value = this.#fields[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
      throw new Failure('E003', `${name} must be a whole number from 1`);
    return value;
  }
}

export const TOOLS: Readonly<Record<ToolName, Tool>> = {
  Read: (input, directory) => {
    const { text } = readText(nameOf(input.text('file_path'), directory));
    const lines = linesOf(text);
    const first = input.count('offset', 1);
    const part = lines.slice(first - 1, first - 1 + input.count('limit', READ_LINES));
    if (lines.length === 0) return '(the file is empty)';
    if (part.length === 0) return `(the file has only ${lines.length} lines)`;
    const last = first - 1 + part.length;
    const rest = last < lines.length ? [`(lines ${last + 1} to ${lines.length} follow: use offset)`] : [];
    return [...part.map((line, index) => `${first + index}\t${line}`), ...rest].join('\n');
  },

  List: (input, directory) => {
    const path = nameOf(input.optional('path') ?? '.', directory);
    const { name, stats } = resolveExisting(path, { lastLink: true });
    if (!stats.isDirectory()) return told(name, directory);
    const found: string[] = [];
    walk(name, { maxEntries: WALK_MAX, leaveOut: isLeftOut }, { entry: (entry) => void found.push(entry) });
    found.sort();
    const shown = found
      .slice(0, LIST_MAX)
      .map((entry) => `${told(entry, directory)}${isDirectory(entry) ? '/' : ''}`);
    const more = found.length > LIST_MAX ? [`(${found.length - LIST_MAX} more: list a directory below)`] : [];
    return [...shown, ...more].join('\n') || '(empty)';
  },

  Search: (input, directory) => {
    const pattern = patternOf(input.text('pattern'));
    const within = input.optional('files');
    const fits = within === undefined ? undefined : globOf(within);
    const path = nameOf(input.optional('path') ?? '.', directory);
    const { name, stats } = resolveExisting(path, { lastLink: true });
    const names: string[] = [];
    if (stats.isFile()) names.push(name);
    else
      walk(name, { maxEntries: WALK_MAX, leaveOut: isLeftOut }, { entry: (entry) => void names.push(entry) });
    const found: string[] = [];
    for (const one of names.sort()) {
      if (found.length > FOUND_MAX) break;
      const shown = told(one, directory);
      if (fits?.test(shown) === false) continue;
      linesOf(searchable(one)).forEach((line, index) => {
        if (pattern.test(line)) found.push(`${shown}:${index + 1}: ${line.trim().slice(0, LINE_CHARS)}`);
      });
    }
    const more = found.length > FOUND_MAX ? ['(there is more: search for something narrower)'] : [];
    return [...found.slice(0, FOUND_MAX), ...more].join('\n') || '(nothing found)';
  },

  Write: (input, directory) => {
    const { name, created } = writeText(nameOf(input.text('file_path'), directory), input.text('content'));
    return `${created ? 'Created' : 'Replaced'} ${told(name, directory)}.`;
  },

  ApplyPatch: (input, directory) => {
    // All of it is made before any of it is written: a patch that does not fit changes nothing.
    const made = new Map<string, string>();
    const steps = parsePatch(input.text('patch')).map(({ from, to, hunks }) => {
      const source = from === undefined ? undefined : readText(nameOf(from, directory));
      const target = to === undefined ? undefined : nameOf(to, directory);
      if (
        source === undefined &&
        target !== undefined &&
        resolve(target, { lastLink: true }).stats !== undefined
      )
        throw new Failure('E010', `${String(to)} is there already: patch it, do not create it`);
      const before = source && (made.get(source.name) ?? source.text);
      const text = applyHunks(before ?? '', hunks, to ?? from ?? '');
      if (source !== undefined) made.set(source.name, text);
      return { source: source?.name, target, text };
    });
    const said = steps.map(({ source, target, text }) => {
      const name = target === undefined ? undefined : writeText(target, text).name;
      if (source !== undefined && source !== name) rmSync(onDisk(source));
      if (name === undefined) return `Deleted ${told(source ?? '', directory)}.`;
      return `${source === undefined ? 'Created' : 'Changed'} ${told(name, directory)}.`;
    });
    return said.join('\n');
  },
};

const isDirectory = (name: string): boolean =>
  lstatSync(onDisk(name), { throwIfNoEntry: false })?.isDirectory() === true;

/** '' for what is no text, cannot be read, or is too large. */
function searchable(name: string): string {
  try {
    return readText(name, SEARCH_BYTES).text;
  } catch (error) {
    if (error instanceof Failure || isKernels(error)) return '';
    throw error;
  }
}

const isKernels = (error: unknown): boolean => typeof (error as NodeJS.ErrnoException).code === 'string';
