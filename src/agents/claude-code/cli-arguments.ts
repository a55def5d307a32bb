/** The CLI's argument vector: the same for every task, so that a process can be started before its task is known. */

export const CLI_IN_SANDBOX = '/opt/agent/claude';

/** Where the CLI finds the conversation that it goes on in. */
export const CONVERSATION_IN_SANDBOX = '/run/conversation.jsonl';

/** All that any command's agent may use; what one task may not is denied when it is called. */
export const CLI_TOOLS = ['Bash', 'Read', 'Edit', 'Write', 'NotebookEdit'] as const;

/**
 * The CLI tells its transcript (`Transcript`), and keeps no instructions in it: those of a conversation's first turn would
 * be sent again in every later one, instead of those of the command that is asked now.
 */
export const EXTRA_ARGUMENTS = { 'session-mirror': null, 'system-prompt-snapshot': 'off' } as const;

export interface CliSession {
  maxTurns: number;
  /** The server's own name for it, so that what the process tells under another one is not believed. */
  sessionId: string;
}

/**
 * As the Agent SDK (0.3.330) writes it for the options of `ClaudeSession`. Left out is `--json-schema`: the SDK sends the
 * schema in `initialize` as well, and there the CLI takes it from any task.
 */
export const cliArguments = ({ maxTurns, sessionId }: CliSession): string[] => [
  ...['--output-format', 'stream-json', '--verbose', '--input-format', 'stream-json'],
  `--max-turns=${maxTurns}`,
  '--permission-prompt-tool=stdio',
  `--tools=${CLI_TOOLS.join(',')}`,
  '--setting-sources=',
  '--strict-mcp-config',
  '--include-partial-messages',
  `--session-id=${sessionId}`,
  ...Object.entries(EXTRA_ARGUMENTS).flatMap(([name, value]) => [
    `--${name}`,
    ...(value === null ? [] : [value]),
  ]),
];

/**
 * To be added for one that goes on: the CLI takes a path as well as an id, whatever its working directory (2.1.330). Always
 * a fork: only then does it tell the whole conversation again, under the id that it was given.
 */
export const RESUME_ARGUMENTS: readonly string[] = [`--resume=${CONVERSATION_IN_SANDBOX}`, '--fork-session'];

/** @throws Error when the SDK wants the CLI started otherwise than it was: it has changed, and this file has to follow */
export function checkArguments(wanted: readonly string[], session: CliSession): void {
  const given = wanted.filter((argument) => !argument.startsWith('--json-schema='));
  if (given.join('\n') !== cliArguments(session).join('\n'))
    throw new Error(`the Agent SDK starts the CLI with other arguments now: ${given.join(' ')}`);
}
