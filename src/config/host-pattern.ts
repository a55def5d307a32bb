/** Which hosts a grant may name, and when a name is one of them. Names are compared in one spelling only. */
import { domainToASCII } from 'node:url';
import { parse } from 'tldts';

/** RFC 1035: 253 characters without the final dot. */
const MAX_CHARS = 253;
/** Letters, digits, hyphen and, as some real hosts have it, underscore: nothing that one program reads as an end. */
const NAME = /^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/;
/** What URL parsers and resolvers read as an IPv4 address: its last part is a number, decimal, octal or hexadecimal. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/;

export type HostName = { name: string } | { wrong: 'malformed' | 'ip-literal' };

/** The one spelling of a host's name as it stands in protocols: lower case, punycode, without the final dot. */
export function hostName(text: string): HostName {
  if (text.includes('[') || text.split(':').length > 2) return { wrong: 'ip-literal' };
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length > MAX_CHARS || !NAME.test(name)) return { wrong: 'malformed' };
  if (ENDS_IN_NUMBER.test(name)) return { wrong: 'ip-literal' };
  return { name };
}

/**
 * An exact name, or `*.` and a name whose sub-domains are meant (not that name itself), in its one spelling; Unicode is
 * taken and becomes punycode.
 * @returns undefined for a name of one part, an address, and a wildcard over what many own: `*`, `*.com`, `*.github.io`
 * (by the Public Suffix List, its private part too)
 */
export function hostPattern(text: string): string | undefined {
  const wildcard = text.startsWith('*.');
  const written = wildcard ? text.slice(2) : text;
  const given = hostName(/^[ -~]*$/.test(written) ? written : domainToASCII(written));
  if (!('name' in given) || !given.name.includes('.')) return undefined;
  if (!wildcard) return given.name;
  const { domain } = parse(given.name, { allowPrivateDomains: true });
  return domain === null ? undefined : `*.${given.name}`;
}

/** @param name from `hostName`; a pattern is named when all that it names is @param patterns from `hostPattern` */
export const isNamedBy = (name: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern));
