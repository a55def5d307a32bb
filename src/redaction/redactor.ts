/** Takes secrets out of what an agent says and does, before it is stored or sent. */
import { KEY_CHARACTERS, KEY_FORMS, literalsOf, REDACTED } from './secrets.js';

const escape = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}-]/g, String.raw`\$&`);

export class Redactor {
  private readonly literals: readonly string[];
  private readonly pattern: RegExp;
  /** What may be the beginning of a key, at the end of a text. */
  private readonly openKey: RegExp;

  /** @param secrets exact values, e.g. `config.secrets`; those below 8 characters are not looked for */
  constructor(secrets: readonly string[]) {
    this.literals = literalsOf(secrets);
    const forms = KEY_FORMS.map(
      ({ prefix, min, max }) => `${escape(prefix)}${KEY_CHARACTERS}{${min},${max}}`,
    );
    this.pattern = new RegExp([...this.literals.map(escape), ...forms].join('|'), 'g');
    const open = KEY_FORMS.map(({ prefix, max }) => `${escape(prefix)}${KEY_CHARACTERS}{0,${max - 1}}`);
    this.openKey = new RegExp(`(?:${open.join('|')})$`);
  }

  /** The text without its secrets. */
  text(text: string): string {
    return text.replaceAll(this.pattern, REDACTED);
  }

  /** The same value with every string in it, keys too, without its secrets. */
  value<T>(value: T): T {
    return this.cleaned(value) as T; // strings stay strings, lists lists, objects objects
  }

  /**
   * Divides a text that goes on in a next piece: what is safe to pass on, redacted, and an end that may be the beginning
   * of a secret, as it is. The end is shorter than the longest secret, so what waits is bounded.
   */
  divide(text: string): { safe: string; open: string } {
    let cut = text.length - this.openEnd(text);
    // A whole secret may end in what looks like the beginning of another: it goes to the safe side, redacted.
    for (const { index, 0: secret } of text.matchAll(this.pattern))
      if (index < cut && index + secret.length > cut) cut = index + secret.length;
    return { safe: this.text(text.slice(0, cut)), open: text.slice(cut) };
  }

  private openEnd(text: string): number {
    const key = this.openKey.exec(text)?.[0].length ?? 0;
    const starts = [...this.literals, ...KEY_FORMS.map(({ prefix }) => prefix)];
    return Math.max(key, ...starts.map((start) => overlap(text, start)));
  }

  private cleaned(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.cleaned(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.text(key), this.cleaned(item)]),
    );
  }
}

/** Length of the longest end of the text with which the start begins, without being all of it. */
function overlap(text: string, start: string): number {
  for (let length = Math.min(text.length, start.length - 1); length > 0; length -= 1)
    if (text.endsWith(start.slice(0, length))) return length;
  return 0;
}
