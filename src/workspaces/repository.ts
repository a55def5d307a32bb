/** What names a repository and a place in it: read strictly, because both become arguments of git. */
import { hostName } from '../config/host-pattern.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { hiddenCharacters } from './housekeeper/path-rule.mts';

const URL_MAX_CHARS = 2048;
const REF_MAX_CHARS = 255;
/** What git itself takes in no ref (git-check-ref-format), with blanks and controls. */
const NOT_IN_REF = /[\0- \x7f~^:?*[\\]|\.\.|@\{|\/\/|^@$|^[-./]|[./]$|\/\.|\.lock(?:\/|$)/;

/**
 * An https URL of a host by its name, and nothing in it that could carry a secret or mean another place.
 * @throws ClaudeCodeError E003
 */
export function repositoryUrl(text: string): { url: string; host: string } {
  const parsed = URL.parse(text);
  const problem = urlProblem(text, parsed);
  if (parsed === null || problem !== undefined) throw invalid('url', problem ?? 'is no URL');
  const host = hostName(parsed.hostname);
  if ('wrong' in host) throw invalid('url', 'must name its host by a name');
  return { url: `https://${host.name}${parsed.pathname}`, host: host.name };
}

function urlProblem(text: string, parsed: URL | null): string | undefined {
  if (text.length > URL_MAX_CHARS) return `is longer than ${URL_MAX_CHARS} characters`;
  if (hiddenCharacters(text) !== undefined || /[\s\\]/.test(text)) return 'holds characters that no URL has';
  if (parsed?.protocol !== 'https:' || !/^https:\/\/[^/]/i.test(text)) return 'must begin with https://';
  if (parsed.username !== '' || parsed.password !== '' || /^https:\/\/[^/]*@/i.test(text))
    return 'must not hold a user name or password: only public repositories are cloned';
  if (parsed.port !== '' || /^https:\/\/[^/]*:/i.test(text)) return 'must not name a port';
  if (parsed.search !== '' || parsed.hash !== '' || /[?#]/.test(text))
    return 'must not have a query or fragment';
  return parsed.pathname === '/' ? 'names no repository' : undefined;
}

/** A branch, a tag or a commit's whole id. @throws ClaudeCodeError E003 */
export function repositoryRef(text: string): string {
  if (
    text === '' ||
    text.length > REF_MAX_CHARS ||
    NOT_IN_REF.test(text) ||
    hiddenCharacters(text) !== undefined
  )
    throw invalid('ref', 'is no name of a branch or tag, and no commit id');
  return text;
}

const invalid = (field: string, problem: string) =>
  new ClaudeCodeError('E003', `${field} ${problem}`, { details: [{ field, problem }] });
