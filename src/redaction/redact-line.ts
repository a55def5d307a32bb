/** Takes secrets out of a log line, wherever in it they stand: the last thing that happens before it is written. */
import { literalsOf, REDACTED } from './secrets.js';

/** Our API keys, Anthropic's keys, and bearer tokens of any make: wider than for events, for a log quotes no code. */
const PATTERNS = [/csk_[\w-]{8,}/g, /sk-ant-[\w-]{8,}/g, /\bbearer\s+[\w.~+/=-]{8,}/gi];

/**
 * @param secrets exact values that must never be seen, e.g. `config.secrets`
 * @returns a function over a serialised (JSON) line; what it answers is valid JSON again
 */
export function lineRedactor(secrets: readonly string[]): (line: string) => string {
  // A secret with a quote or a backslash stands escaped in JSON. Longest first: one may contain another.
  const literals = literalsOf(secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]));
  return (line) => {
    let clean = line;
    for (const literal of literals) clean = clean.replaceAll(literal, REDACTED);
    for (const pattern of PATTERNS) clean = clean.replace(pattern, REDACTED);
    return clean;
  };
}
