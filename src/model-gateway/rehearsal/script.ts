/** The script language of rehearsals: lines of the prompt that begin with `@`. docs/REHEARSAL.md has the table. */
import { STRUCTURED_OUTPUT, type Step } from './step.js';

interface Directive {
  /** As in the documentation, and in the answer to a line that is not understood. */
  usage: string;
  /** The step of what follows the directive's name; undefined when it is not understood. */
  read: (rest: string) => Step | undefined;
}

const number = (digits: string | undefined) => (digits === undefined ? undefined : Number(digits));

/** Every directive, by name. */
export const DIRECTIVES: Readonly<Record<string, Directive>> = {
  text: { usage: '@text <text>', read: (rest) => ({ kind: 'text', text: rest }) },
  think: { usage: '@think <text>', read: (rest) => ({ kind: 'think', text: rest }) },
  deltas: {
    usage: '@deltas <count> [every <n>ms] [of "<text>"]',
    read: matching(
      /^(?<count>\d+)(?: every (?<every>\d+)ms)?(?: of "(?<of>.+)")?$/,
      ({ count, every, of }) => ({
        kind: 'deltas',
        count: Number(count),
        everyMs: Number(every ?? 0),
        of: of ?? 'word ',
      }),
    ),
  },
  tool: {
    usage: '@tool <name> <JSON object>',
    read: matching(/^(?<name>\w+) (?<json>\{.*\})$/, ({ name = '', json = '' }) => toolStep(name, json)),
  },
  structured: { usage: '@structured <JSON object>', read: (rest) => toolStep(STRUCTURED_OUTPUT, rest) },
  status: {
    usage: '@status <code> [times <n>] [retry-after <seconds>]',
    read: matching(
      /^(?<status>[45]\d\d)(?: times (?<times>\d+))?(?: retry-after (?<after>\d+))?$/,
      ({ status, times, after }) => ({
        kind: 'status',
        status: Number(status),
        times: number(times),
        retryAfter: number(after),
      }),
    ),
  },
  hang: {
    usage: '@hang [times <n>]',
    read: matching(/^(?:times (?<times>\d+))?$/, ({ times }) => ({ kind: 'hang', times: number(times) })),
  },
  cut: {
    usage: '@cut [early] [times <n>]',
    read: matching(/^(?<early>early)? ?(?:times (?<times>\d+))?$/, ({ early, times }) => ({
      kind: 'cut',
      early: early !== undefined,
      times: number(times),
    })),
  },
  rubbish: {
    usage: '@rubbish [times <n>]',
    read: matching(/^(?:times (?<times>\d+))?$/, ({ times }) => ({ kind: 'rubbish', times: number(times) })),
  },
  wait: {
    usage: '@wait <n>ms',
    read: matching(/^(?<ms>\d+)ms$/, ({ ms }) => ({ kind: 'wait', ms: Number(ms) })),
  },
  usage: {
    usage: '@usage [input=<tokens>] [output=<tokens>]',
    read: matching(/^(?:input=(?<input>\d+))? ?(?:output=(?<output>\d+))?$/, ({ input, output }) => ({
      kind: 'usage',
      input: number(input),
      output: number(output),
    })),
  },
  'echo-request': { usage: '@echo-request', read: matching(/^$/, () => ({ kind: 'echo-request' })) },
  expire: { usage: '@expire', read: matching(/^$/, () => ({ kind: 'expire' })) },
  end: { usage: '@end', read: matching(/^$/, () => ({ kind: 'end' })) },
};

/** The answers that a prompt's script asks for, each a list of steps; undefined when the prompt holds no script. */
export function parseScript(prompt: string): Step[][] | undefined {
  const lines = prompt.split('\n').filter((line) => /^@[a-z][a-z-]*(\s|$)/.test(line));
  if (lines.length === 0) return undefined;
  const turns: Step[][] = [[]];
  for (const line of lines) {
    const step = parseLine(line.trimEnd());
    turns.at(-1)?.push(step);
    if (step.kind === 'tool' || step.kind === 'end') turns.push([]);
  }
  if (turns.at(-1)?.length === 0) turns.pop();
  return turns;
}

function parseLine(line: string): Step {
  const name = /^@(\S+)/.exec(line)?.[1] ?? '';
  const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
  if (directive === undefined)
    return {
      kind: 'text',
      text: `Unknown directive @${name}. There are: ${Object.keys(DIRECTIVES).join(', ')}.`,
    };
  const step = directive.read(line.slice(1 + name.length).trim());
  return step ?? { kind: 'text', text: `Not understood: ${line}. Write it as: ${directive.usage}` };
}

function matching(
  pattern: RegExp,
  read: (groups: Record<string, string | undefined>) => Step | undefined,
): Directive['read'] {
  return (rest) => {
    const found = pattern.exec(rest);
    return found === null ? undefined : read(found.groups ?? {});
  };
}

function toolStep(name: string, json: string): Step | undefined {
  try {
    const input: unknown = JSON.parse(json);
    return typeof input === 'object' && input !== null && !Array.isArray(input)
      ? { kind: 'tool', name, input: { ...input } }
      : undefined;
  } catch {
    return undefined;
  }
}
