/** What a path in a workspace looks like, decided from its characters: one rule for the API and for archives. */

/** Bytes of UTF-8: what Linux file systems allow for a name, and the kernel for a path. */
const NAME_MAX_BYTES = 255;
const PATH_MAX_BYTES = 4096;

/** Controls, and the marks that make a name look like another one (bidirectional overrides, isolates, line separators). */
const HIDDEN_CHARACTERS = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const WINDOWS_DRIVE = /^[A-Za-z]:[/\\]/;

export interface PathProblem {
  /** E004: it leads out of the workspace. E003: no path at all. */
  code: 'E003' | 'E004';
  reason: string;
}

/** What is wrong with a path relative to a workspace, `/` between its parts; undefined when it is well formed. */
export function workspacePathProblem(path: string): PathProblem | undefined {
  const hidden = hiddenCharacters(path);
  if (hidden !== undefined) return { code: 'E003', reason: hidden };
  if (path.startsWith('/') || path.startsWith('\\') || WINDOWS_DRIVE.test(path))
    return { code: 'E004', reason: 'must be relative to the workspace' };
  // A backslash is an ordinary character here, but not where the path may come from or go to.
  if (path.split(/[/\\]/).includes('..')) return { code: 'E004', reason: 'leads out of the workspace' };
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.'))
    return { code: 'E003', reason: 'has an empty part or a part that is "."' };
  if (Buffer.byteLength(path) > PATH_MAX_BYTES)
    return { code: 'E003', reason: `is longer than ${PATH_MAX_BYTES} bytes` };
  if (parts.some((part) => Buffer.byteLength(part) > NAME_MAX_BYTES))
    return { code: 'E003', reason: `has a part longer than ${NAME_MAX_BYTES} bytes` };
  return undefined;
}

/** Why these characters are in no name and in no link's target. */
export function hiddenCharacters(text: string): string | undefined {
  if (LONE_SURROGATE.test(text)) return 'is not valid Unicode';
  return HIDDEN_CHARACTERS.test(text) ? 'holds control or invisible characters' : undefined;
}
