/** The CLI's argument vector: the same for every task, so that a process can be started before its task is known. */

export const CLI_IN_SANDBOX = '/opt/agent/claude';

/** All that any command's agent may use; what one task may not is denied when it is called. */
export const CLI_TOOLS = ['Bash', 'Read', 'Edit', 'Write', 'NotebookEdit'] as const;

/**
 * As the Agent SDK (0.3.330) writes it for the options of `ClaudeSession`. Left out is `--json-schema`: the SDK sends the
 * schema in `initialize` as well, and there the CLI takes it from any task.
 */
export const cliArguments = (maxTurns: number): string[] => [
  ...['--output-format', 'stream-json', '--verbose', '--input-format', 'stream-json'],
  `--max-turns=${maxTurns}`,
  '--permission-prompt-tool=stdio',
  `--tools=${CLI_TOOLS.join(',')}`,
  '--setting-sources=',
  '--strict-mcp-config',
  '--include-partial-messages',
  '--no-session-persistence',
];

/** @throws Error when the SDK wants the CLI started otherwise than it was: it has changed, and this file has to follow */
export function checkArguments(wanted: readonly string[], maxTurns: number): void {
  const given = wanted.filter((argument) => !argument.startsWith('--json-schema='));
  if (given.join('\n') !== cliArguments(maxTurns).join('\n'))
    throw new Error(`the Agent SDK starts the CLI with other arguments now: ${given.join(' ')}`);
}
