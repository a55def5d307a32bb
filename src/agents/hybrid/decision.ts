/** Who is to carry out a task, Claude Code or the Messages API: points for what makes it hard, one by one, and a threshold. */
import type { WorkspaceAccess } from '../../sandbox/sandbox.js';

/** Points by what they are given for; HYBRID_WEIGHTS. */
export type Weights = Readonly<Record<WeightName, number>>;
export type WeightName =
  | 'generate'
  | 'analyze'
  | 'review'
  | 'refactor'
  | 'fix'
  | 'programs'
  | 'hosts'
  | 'breadth'
  | 'steps'
  | 'length'
  | 'files'
  | 'unnamed'
  | 'size';

export interface Asked {
  command: string;
  prompt: string;
  access: WorkspaceAccess;
  /** Paths that the request names besides its prompt. */
  files: readonly string[];
  /** Whether hosts were granted to the project. */
  hosts: boolean;
}

/** What is known of the workspace. */
export interface Size {
  /** Files, without node_modules and .git. */
  entries: number;
  /** False when there are more. */
  whole: boolean;
}

export interface Decision {
  engine: 'claude-code' | 'messages';
  /** Points; from the threshold on it is Claude Code. */
  score: number;
  threshold: number;
  /** What the points are for: `programs +60: …`. */
  reasons: string[];
}

/** Deeds that need a shell. What is not to be done is no reason: `without running the tests`. */
const PROGRAMS = [
  /\b(?:run|execute|start|launch|rerun)\b.{0,40}\b(?:tests?|suite|build|scripts?|commands?|programs?|server|app|linter|migrations?|benchmarks?|it)\b/i,
  /\b(?:npm|npx|yarn|pnpm|pip|poetry|cargo|pytest|jest|vitest|gradle|mvn|maven|make|docker|kubectl|terraform|tsc|eslint)\s+[\w-]+/i,
  /\bgit\s+(?:log|blame|bisect|commit|diff|rebase|history|merge|checkout|status)\b/i,
  /\b(?:go|deno|bun)\s+(?:test|build|run|vet)\b/i,
  /\b(?:until|so that|make sure|ensure|verify|check)\b.{0,40}\b(?:pass(?:es)?|compiles?|builds?|is green)\b/i,
  /\b(?:failing|broken|flaky)\s+(?:tests?|builds?|ci|pipelines?)\b/i,
  /\b(?:install|reproduce|debug|benchmark|profile)\b/i,
];
const NOT_TO_BE_RUN =
  /\b(?:without|do not|don't|never|no need to)\s+(?:run|runn|execut|start|install)\w*[^.;\n]*/gi;

const BREADTH = [
  /\b(?:all|every|each)\s+(?:of\s+)?(?:the\s+|our\s+)?(?:\w+\s+)?(?:files?|modules?|components?|tests?|class(?:es)?|functions?|endpoints?|routes?|packages?|usages?|callers?|places|services?|handlers?|imports?|strings?)\b/i,
  /\b(?:whole|entire|complete|full)\s+(?:project|code\s?base|repository|repo|application|app|system|backend|frontend)\b/i,
  /\b(?:across|throughout|everywhere)\b/i,
  /\b(?:migrate|port|upgrade|modernize|rewrite)\b/i,
];

const FILE_NAME =
  /(?<![\w./-])(?:\.{0,2}\/)?(?:[\w-]+\/)*[\w.-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|rb|php|sh|c|h|cc|cpp|cs|swift|json|ya?ml|toml|md|txt|html|css|scss|sql|vue|svelte)\b/gi;
const LIST_ITEM = /^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+/gm;
const NEXT_STEP = /\b(?:then|after that|afterwards|finally|next,|as well as)\b/gi;

/** Characters from which a prompt is long, and very long. */
const LONG = 1500;
const VERY_LONG = 6000;
/** Named files from which there are several, and many. */
const SEVERAL = 4;
const MANY = 9;
/** Files of a workspace from which it is middling, large, and huge. */
const MIDDLING = 100;
const LARGE = 1000;
const HUGE = 10_000;

/**
 * @param size undefined while nobody has looked: it then counts nothing
 */
export function decide(asked: Asked, size: Size | undefined, weights: Weights, threshold: number): Decision {
  const reasons: string[] = [];
  let score = 0;
  const add = (name: WeightName, why: string, part = 1): void => {
    const points = Math.round(weights[name] * part);
    if (points === 0) return;
    score += points;
    reasons.push(`${name} ${points > 0 ? '+' : ''}${points}: ${why}`);
  };
  const named = namedFiles(asked);
  if (isCommand(asked.command)) add(asked.command, 'the command');
  if (asked.command === 'review' && asked.access === 'read-write')
    add('fix', 'what is found is to be mended');
  const program = found(PROGRAMS, asked.prompt.replaceAll(NOT_TO_BE_RUN, ''));
  if (program !== undefined) add('programs', `a shell is needed for "${program}"`);
  if (asked.hosts) add('hosts', 'hosts were granted to the project');
  const breadth = found(BREADTH, asked.prompt);
  if (breadth !== undefined) add('breadth', `"${breadth}"`);
  const steps = count(LIST_ITEM, asked.prompt) + count(NEXT_STEP, asked.prompt);
  if (steps >= 3) add('steps', `${steps} steps`);
  const { length } = asked.prompt;
  if (length >= LONG) add('length', `${length} characters`, length >= VERY_LONG ? 1 : 0.5);
  if (named >= SEVERAL) add('files', `${named} files are named`, named >= MANY ? 1 : 0.4);
  if (size !== undefined) addSize(size, named, asked.command, add);
  return { engine: score >= threshold ? 'claude-code' : 'messages', score, threshold, reasons };
}

function addSize(
  { entries, whole }: Size,
  named: number,
  command: string,
  add: (name: WeightName, why: string, part?: number) => void,
): void {
  const text = `${whole ? '' : 'more than '}${entries} files`;
  const part = !whole || entries >= HUGE ? 1 : entries >= LARGE ? 0.5 : entries >= MIDDLING ? 0.2 : 0;
  add('size', text, part);
  // Whoever names none leaves it to the agent to find them.
  if (named === 0 && command !== 'generate' && entries >= MIDDLING)
    add('unnamed', `no file is named, of ${entries}`);
}

function namedFiles({ prompt, files }: Asked): number {
  const inPrompt = [...prompt.matchAll(FILE_NAME)].map(([name]) => name.replace(/^\.\//, ''));
  return new Set([...files, ...inPrompt]).size;
}

/** The first words that fit, short enough for a reason. */
function found(patterns: readonly RegExp[], text: string): string | undefined {
  for (const pattern of patterns) {
    const words = pattern.exec(text)?.[0];
    if (words !== undefined) return words.replaceAll(/\s+/g, ' ').slice(0, 60);
  }
  return undefined;
}

const count = (pattern: RegExp, text: string): number => [...text.matchAll(pattern)].length;

const COMMANDS = ['generate', 'analyze', 'review', 'refactor'] as const;
const isCommand = (command: string): command is (typeof COMMANDS)[number] =>
  (COMMANDS as readonly string[]).includes(command);
