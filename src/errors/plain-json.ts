/** Refuses JSON that is made to hurt whoever walks it: without end in depth or width, or with keys that reach for prototypes. */
import { invalidRequest } from './to-claude-code-error.js';

/** Levels of nesting; our deepest request has four. Recursive code overflows the stack at some ten thousand. */
export const MAX_DEPTH = 32;

/** Fields and list items together; a request has some ten, and 1000 files. The validator took 15 s over 100 000 unknown fields. */
export const MAX_VALUES = 10_000;

/** The same for the requests of a batch together: a hundred for each of 1000. Each alone may have as many as ever. */
export const BATCH_MAX_VALUES = 100_000;

/** Fields of one object; our widest has a dozen. The validator's time grows with their square: 100 ms for 9000 unknown ones. */
export const MAX_FIELDS = 200;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Walks without recursion, so that depth cannot hurt the walker itself.
 * @throws ClaudeCodeError E003 naming the first field that is not acceptable
 */
export function assertPlainJson(root: unknown, maxValues = MAX_VALUES): void {
  const waiting: { value: unknown; path: string; depth: number }[] = [{ value: root, path: '', depth: 0 }];
  let values = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path, depth } = next;
    // Bytes (an attachment of a socket message) are values, not structure.
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    if (depth >= MAX_DEPTH)
      throw invalidRequest([
        { field: path.split('.', 3).join('.'), problem: `is nested deeper than ${MAX_DEPTH} levels` },
      ]);
    const size = Array.isArray(value) ? value.length : Object.keys(value).length;
    if (size > MAX_FIELDS && !Array.isArray(value))
      throw invalidRequest([{ field: path || 'body', problem: `has more than ${MAX_FIELDS} fields` }]);
    values += size;
    if (values > maxValues)
      throw invalidRequest([{ field: path || 'body', problem: `makes it more than ${maxValues} values` }]);
    for (const [key, child] of Object.entries(value)) {
      const field = path === '' ? key : `${path}.${key}`;
      if (FORBIDDEN_KEYS.has(key)) throw invalidRequest([{ field, problem: 'must not be given' }]);
      waiting.push({ value: child, path: field, depth: depth + 1 });
    }
  }
}
