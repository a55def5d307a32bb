/** Patterns that are made of what the model asks for. */
import { Failure } from '../../../workspaces/housekeeper/failure.mts';

/** As the model wrote it, so it may take any time: that is bounded by the tool's. @throws Failure E003 */
export function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new Failure('E003', `that is no regular expression: ${String(error)}`);
  }
}

/** `*` for anything within a name, `**` for anything; without a `/` it is a name in any directory. */
export function globOf(glob: string): RegExp {
  const body = glob
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part.startsWith('**')) return '(?:.*/)?';
      if (part === '*') return '[^/]*';
      return part === '?' ? '[^/]' : part.replaceAll(/[$()+.[\\\]^{|}]/g, String.raw`\$&`);
    })
    .join('');
  return new RegExp(glob.includes('/') ? `^${body}$` : `(?:^|/)${body}$`);
}
