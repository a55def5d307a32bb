/** Takes secrets out of a log line, wherever in it they stand: the last thing that happens before it is written. */

const REDACTED = '[redacted]';

/** Our API keys, Anthropic's keys, and bearer tokens of any make. */
const PATTERNS = [/csk_[\w-]{8,}/g, /sk-ant-[\w-]{8,}/g, /\bbearer\s+[\w.~+/=-]{8,}/gi];

/**
 * @param secrets exact values that must never be seen, e.g. `config.secrets`
 * @returns a function over a serialised (JSON) line; what it answers is valid JSON again
 */
export function redactor(secrets: readonly string[]): (line: string) => string {
  // A secret with a quote or a backslash stands escaped in JSON. Longest first: one may contain another.
  const literals = [...new Set(secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))]
    .filter((secret) => secret !== '')
    .sort((a, b) => b.length - a.length);
  return (line) => {
    let clean = line;
    for (const literal of literals) clean = clean.replaceAll(literal, REDACTED);
    for (const pattern of PATTERNS) clean = clean.replace(pattern, REDACTED);
    return clean;
  };
}
