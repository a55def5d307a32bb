/** What a secret looks like: the values this server was given, and keys by their form. */

export const REDACTED = '[redacted]';

/** Below this an "exact value" stands in ordinary text everywhere, and taking it out would destroy the text. */
const SHORTEST = 8;

/** A key by its form: a fixed beginning, then so many of these characters. */
export interface KeyForm {
  prefix: string;
  min: number;
  max: number;
}

/** Characters of base64url, which the keys below are made of. */
export const KEY_CHARACTERS = '[A-Za-z0-9_-]';

/** Ours are 32 bytes in base64url (`access/secret.ts`); Anthropic's are about 100 characters. */
export const KEY_FORMS: readonly KeyForm[] = [
  { prefix: 'csk_', min: 43, max: 43 },
  { prefix: 'sk-ant-', min: 20, max: 200 },
];

/** Exact values to look for, longest first, because one may contain another. */
export const literalsOf = (secrets: readonly string[]): string[] =>
  [...new Set(secrets)].filter((secret) => secret.length >= SHORTEST).sort((a, b) => b.length - a.length);
