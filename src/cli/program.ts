/** The command line: what can be typed, and what is called for it. docs/CLI.md is compared with it. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../version.js';
import { CommandError, EXIT, EXIT_MEANINGS, ending } from './exit-codes.js';
import type { Host } from './host.js';
import { printable } from './output/printable.js';
import { type Streams, Terminal } from './output/terminal.js';
import type { Order } from './run.js';
import { type CommonOptions, defined, FORMATS, type Settings, settingsOf } from './settings.js';

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
const STATUSES = ['queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out'] as const;
const ACTIONS = ['generate', 'analyze', 'refactor', 'review'] as const;

export type ProgramName = 'claude-code' | 'caisson';

export interface Surroundings {
  /** The name it was called by: `caisson` alone is the server. */
  name: ProgramName;
  /** Without the program itself. */
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  streams: Streams;
  host: Host;
}

/** Runs what was typed. @returns the exit code */
export async function runProgram(surroundings: Surroundings): Promise<number> {
  const { args, streams } = surroundings;
  const terminal = new Terminal(streams);
  let exitCode: number = EXIT.succeeded;
  const program = buildProgram(surroundings, terminal, (code) => (exitCode = code));
  try {
    if (args[0] === 'complete') await addCompletion(program);
    if (args.length === 0 && surroundings.name === 'claude-code') program.outputHelp();
    else await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? EXIT.succeeded : EXIT.usage;
    else {
      const { message, exitCode: code } = ending(error);
      exitCode = code;
      terminal.say(terminal.err('red', printable(`${surroundings.name}: ${message}`)));
    }
  }
  await terminal.flushed();
  return exitCode;
}

/** Completion looks through all commands, and nothing else needs it. */
async function addCompletion(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program);
}

export function buildProgram(
  { name, args, env, host, streams }: Surroundings,
  terminal: Terminal,
  ends: (exitCode: number) => void,
): Command {
  const program = new Command(name);
  program
    .description('Claude Code in a sandbox: on the files of this directory, here or on a Caisson server.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print what can be typed')
    .helpCommand('help [command]', 'print what can be typed after a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => streams.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError(`(${name} --help says what can be typed)`);
  addCommonOptions(program);
  program.addHelpText('after', `\n${EXAMPLES}\n\n${exitCodesText()}`);

  const settings = (command: Command): Settings => settingsOf(command.optsWithGlobals<CommonOptions>(), env);
  /** Loads what a command needs only when it is called: `--version` and completion are quick. */
  const order = async (command: Command, of: Order) => {
    const { run } = await import('./run.js');
    ends(await run(of, settings(command), host, terminal));
  };

  program
    .command('generate')
    .description('write new code as files of this directory')
    .argument('[prompt]', 'what to write; "-" or nothing reads it from standard input')
    .option('--dry-run', 'change nothing, print what would be changed as a diff')
    .option('-o, --output <directory>', 'put the files into this directory instead')
    .option('--backup', 'keep what is changed, in .claude-code-backup')
    .option('--language <name>', 'programming language, e.g. typescript')
    .option('--framework <name>', 'framework, e.g. nestjs')
    .addHelpText(
      'after',
      examples(
        'generate "a hello world in TypeScript"',
        'generate "tests for src/price.ts" --output ./generated/',
        'generate - < prompt.txt',
      ),
    )
    .action(async (prompt: string | undefined, options: GenerateOptions, command: Command) => {
      const words = prompt === undefined || prompt === '-' ? await standardInput(streams) : prompt;
      const { language, framework, ...rest } = options;
      await order(command, {
        action: 'generate',
        prompt: () => words,
        writes: true,
        ...rest,
        context: defined({ language, framework }),
      });
    });

  program
    .command('analyze')
    .description('explain what code does, how it is built and where it is weak')
    .argument('<path>', 'file or directory, relative to --directory')
    .argument('[question]', 'what in particular to look at')
    .option('--depth <levels>', 'levels of directories and calls to follow (1 to 10)', integer(1, 10))
    .option('--include-tests', 'look at the tests too')
    .addHelpText('after', examples('analyze src', 'analyze ./src --format json --depth 3 --include-tests'))
    .action((path: string, question: string | undefined, options: AnalyzeOptions, command: Command) =>
      order(command, {
        action: 'analyze',
        path,
        prompt: (named) => sentences(`Analyze ${placeOf(named)}.`, question),
        options: { ...options },
        writes: false,
      }),
    );

  program
    .command('refactor')
    .description('restructure code without changing what it does')
    .argument('<file>', 'file or directory, relative to --directory')
    .argument('<instructions>', 'how')
    .option('--backup', 'keep what is changed, in .claude-code-backup')
    .option('--dry-run', 'change nothing, print what would be changed as a diff')
    .addHelpText(
      'after',
      examples(
        'refactor src/price.ts "use async/await" --backup',
        'refactor src/price.ts "shorter functions" --dry-run | git apply',
      ),
    )
    .action((file: string, instructions: string, options: ChangeOptions, command: Command) =>
      order(command, {
        action: 'refactor',
        path: file,
        prompt: (named) => `Refactor ${placeOf(named)}: ${instructions}`,
        writes: true,
        ...options,
      }),
    );

  program
    .command('review')
    .description('find problems, worst first; with --fix mend them')
    .argument('<path>', 'file or directory, relative to --directory')
    .argument('[focus]', 'what in particular to look for')
    .addOption(new Option('--severity <least>', 'the least severe finding to report').choices(SEVERITIES))
    .option('--fix', 'mend what is found')
    .option('--backup', 'with --fix: keep what is changed, in .claude-code-backup')
    .option('--dry-run', 'with --fix: change nothing, print what would be changed as a diff')
    .addHelpText('after', examples('review src --severity high', 'review src/price.ts "security" --fix'))
    .action((path: string, focus: string | undefined, options: ReviewOptions, command: Command) => {
      const { severity, fix, ...rest } = options;
      if (fix !== true && (rest.backup === true || rest.dryRun === true))
        throw new CommandError('--backup and --dry-run say what becomes of the changes of --fix');
      return order(command, {
        action: 'review',
        path,
        prompt: (named) => sentences(`Review ${placeOf(named)}.`, focus),
        options: defined({ severity, fix }),
        writes: fix === true,
        ...rest,
      });
    });

  program
    .command('batch')
    .description('run many requests from a file, one JSON object a line; print their results the same way')
    .argument('<file>', 'requests as for POST /api/claude-code; "-" reads standard input')
    .option('--dry-run', 'leave the files of this directory as they are')
    .option(
      '--economy',
      'at half the price, within a day: what one answer of the model can do (generate, analyze, review)',
    )
    .addHelpText(
      'after',
      examples('batch requests.jsonl --yes > results.jsonl', 'batch nightly.jsonl --economy > results.jsonl'),
    )
    .action(async (file: string, options: { dryRun?: boolean; economy?: boolean }, command: Command) => {
      const { runBatch } = await import('./batch.js');
      ends(await runBatch(file, options, settings(command), host, terminal));
    });

  program
    .command('executions')
    .description('list the executions of a server, newest first')
    .addOption(new Option('--status <status>', 'only those in this state').choices(STATUSES))
    .addOption(new Option('--action <action>', 'only those of this command').choices(ACTIONS))
    .option('--limit <count>', 'so many at most (1 to 200)', integer(1, 200))
    .addHelpText('after', examples('executions --status running', 'executions --project shop --format json'))
    .action(async (options: ListOptions, command: Command) => {
      const { listExecutions } = await import('./executions.js');
      ends(await listExecutions(options, settings(command), terminal));
    });

  program
    .command('watch')
    .description(
      'follow an execution of a server from its first event to its end; --format json prints each event',
    )
    .argument('<id>', 'of the execution')
    .option('--after <number>', 'only events after this one', integer(0, Number.MAX_SAFE_INTEGER), 0)
    .addHelpText('after', examples('watch 019a8b5e-7c1d-7000-8000-000000000000'))
    .action(async (id: string, { after }: { after: number }, command: Command) => {
      const { watch } = await import('./executions.js');
      ends(await watch(id, after, settings(command), terminal));
    });

  program
    .command('test-connection')
    .description(
      "say what is reachable: server, key, sandbox, Claude Code, the model's service (asks it one word)",
    )
    .addHelpText('after', examples('test-connection', 'test-connection --server https://caisson.example.com'))
    .action(async (_options: object, command: Command) => {
      const { testConnection } = await import('./test-connection.js');
      ends(await testConnection(settings(command), host, terminal));
    });

  program
    .command('serve', { isDefault: name === 'caisson' })
    .description('run the server; its settings are environment variables')
    .option('--settings', 'print every setting with its default and end')
    .addHelpText('after', examples('serve', 'serve --settings'))
    .action(async (options: { settings?: boolean }) =>
      options.settings === true ? terminal.print(await host.settings()) : host.serve(),
    );

  program
    .command('migrate')
    .description("bring the server's database to this version and end")
    .action(() => host.migrate());

  program
    .command('backup')
    .description("copy the server's SQLite database while it runs")
    .argument('<file>', 'the file to write')
    .action((file: string) => host.backUp(file));

  // The real one comes with completion itself.
  if (args[0] !== 'complete')
    program
      .command('complete')
      .description('print a completion script, to be read by the shell: source <(claude-code complete bash)')
      .argument('<shell>', 'bash, zsh, fish or powershell');
  return program;
}

interface ChangeOptions {
  dryRun?: boolean;
  backup?: boolean;
}
interface GenerateOptions extends ChangeOptions {
  output?: string;
  language?: string;
  framework?: string;
}
interface AnalyzeOptions {
  depth?: number;
  includeTests?: boolean;
}
interface ReviewOptions extends ChangeOptions {
  severity?: (typeof SEVERITIES)[number];
  fix?: boolean;
}
interface ListOptions {
  status?: (typeof STATUSES)[number];
  action?: (typeof ACTIONS)[number];
  limit?: number;
}

/** Before the command or after it, as one likes. */
function addCommonOptions(program: Command): void {
  program
    .option(
      '-s, --server <url>',
      'a Caisson server (CAISSON_URL; its key in CAISSON_API_KEY). Without: embedded, in this process',
    )
    .option('-p, --project <id>', 'work on a project of the server as it is, instead of the files here')
    .option('-d, --directory <path>', 'the directory to work on (default: this one)')
    .option('--only <path>', 'send only this file or directory of it; may be given more than once', collected)
    .option('-c, --config <file>', 'JSON file with any of these options (docs/CLI.md)')
    .option('-m, --model <name>', 'the model')
    .option('--engine <name>', 'who does the work, e.g. claude-code; GET /api/engines of a server lists them')
    .option('--max-tokens <count>', 'output tokens of the whole execution', integer(1, 10_000_000))
    .option('--timeout <seconds>', 'time limit', integer(1, 86_400))
    .addOption(
      new Option('-f, --format <format>', 'of the answer; json prints one document').choices(FORMATS),
    )
    .option(
      '--continue <execution>',
      'go on in the conversation of an execution of this directory, or of the project',
    )
    .option('-y, --yes', 'put changes in place without a question')
    .option('--no-interactive', 'ask nothing: the same as --yes')
    .option('--no-cache', 'neither use nor keep an answer');
}

const EXAMPLES = `Examples:
  claude-code test-connection
  claude-code generate "a REST endpoint for orders" --model claude-opus-5-5
  claude-code analyze ./src --format json --depth 3 --include-tests
  claude-code refactor src/price.ts "use async/await" --backup
  claude-code review ./src --severity high --fix
  CAISSON_URL=https://caisson.example.com CAISSON_API_KEY=… claude-code review ./src`;

const examples = (...lines: string[]): string =>
  `\n${['Examples:', ...lines.map((line) => `  claude-code ${line}`)].join('\n')}`;

function exitCodesText(): string {
  const own = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`);
  return [
    'Exit codes:',
    ...own,
    '   10 + n, an error E0n of the server or the execution, e.g. 12 for E002 (docs/ERRORS.md); but:',
    '  124  E001, timed out',
    '  130  E013, cancelled (Ctrl-C)',
  ].join('\n');
}

/** For commander: a whole number within bounds. */
function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** For commander: an option that may be given more than once. It takes one value each time: more would swallow a command. */
const collected = (value: string, before: string[] = []): string[] => [...before, value];

/** For a prompt: what the path names. */
const placeOf = (path: string): string => (path === '.' ? 'the code in this directory' : path);

const sentences = (...parts: (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined && part !== '').join(' ');

async function standardInput({ stdin }: Streams): Promise<string> {
  if (stdin.isTTY === true) throw new CommandError('say what to write: claude-code generate "…"');
  const { text } = await import('node:stream/consumers');
  return (await text(stdin)).trim();
}
