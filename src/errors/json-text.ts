/** Looks at JSON before it is parsed: parsing two megabytes that are all structure takes some twenty times as long as this look. */
import { MAX_VALUES } from './plain-json.js';

/** Far above what `plain-json.ts` accepts and names by its field; what is beyond is refused as a whole. */
const MAX_TEXT_DEPTH = 2000;
const TEXT_FACTOR = 2;

const [QUOTE, BACKSLASH, COMMA, COLON] = ['"', '\\', ',', ':'].map((character) => character.charCodeAt(0));
const OPENING = new Set(['{', '['].map((character) => character.charCodeAt(0)));
const CLOSING = new Set(['}', ']'].map((character) => character.charCodeAt(0)));

/** Not every text that passes is JSON. @param maxValues as `plain-json.ts` takes it @returns what is wrong, in words for the problem of a body */
export function structureProblem(
  text: Buffer,
  maxValues = MAX_VALUES,
): 'too deep' | 'too many values' | undefined {
  let depth = 0;
  let separators = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0;
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    // A field has a colon and, but for the last, a comma.
    else if (byte === COMMA || byte === COLON) separators += 1;
    else if (OPENING.has(byte)) depth += 1;
    else if (CLOSING.has(byte)) depth -= 1;
    if (depth > MAX_TEXT_DEPTH) return 'too deep';
    if (separators > TEXT_FACTOR * maxValues) return 'too many values';
  }
  return undefined;
}
