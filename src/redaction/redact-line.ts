/** Takes secrets out of a log line, wherever in it they stand: the last thing that happens before it is written. */
import { literalsOf, REDACTED } from './secrets.js';

/**
 * Our API keys, Anthropic's keys, credentials of any make in headers, in URLs before the host and in queries, as errors of
 * libraries quote them: wider than for events, for a log quotes no code.
 */
const PATTERNS: readonly [form: RegExp, instead: string][] = [
  [/csk_[\w-]{8,}/g, REDACTED],
  [/sk-ant-[\w-]{8,}/g, REDACTED],
  [/\b(?:bearer|basic)\s+[\w.~+/=-]{8,}/gi, REDACTED],
  [/:\/\/[^\s/?#@"\\]{1,256}@/g, `://${REDACTED}@`],
  [/([?&](?:\w{0,32}(?:token|key|secret|password))=)[^&\s"\\]+/gi, `$1${REDACTED}`],
];

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
    for (const [form, instead] of PATTERNS) clean = clean.replace(form, instead);
    return clean;
  };
}
