/** The tools that the model is offered: file tools that the workbench carries out, and those by which it answers. */
import type Anthropic from '@anthropic-ai/sdk';
import type { AgentTask } from '../agent-task.js';
import type { ToolName } from './workbench/protocol.mts';

/** By this one it gives an answer that has a shape: named as Claude Code's, so that both look alike from outside. */
export const STRUCTURED_OUTPUT = 'StructuredOutput';
/** By this one it gives up a task that needs more than these tools. */
export const HAND_OVER = 'HandOver';

interface FileTool {
  /** The tool of the policy that must be allowed for it: the same deed, by its name in Claude Code. */
  needs: 'Read' | 'Write' | 'Edit';
  description: string;
  properties: Record<string, object>;
  required: string[];
}

const PATH = 'Relative to the working directory, or absolute below /workspace';

const FILE_TOOLS: Readonly<Record<ToolName, FileTool>> = {
  Read: {
    needs: 'Read',
    description: 'Reads a text file; answers its lines with their numbers. By default the first 2000.',
    properties: {
      file_path: { type: 'string', description: PATH },
      offset: { type: 'integer', description: 'First line, from 1' },
      limit: { type: 'integer', description: 'How many lines' },
    },
    required: ['file_path'],
  },
  List: {
    needs: 'Read',
    description: 'Lists the files and directories below a directory; leaves out node_modules and .git.',
    properties: { path: { type: 'string', description: `${PATH}. Default: the working directory` } },
    required: [],
  },
  Search: {
    needs: 'Read',
    description:
      'Searches the lines of text files for a regular expression (JavaScript); answers path, line number and line.',
    properties: {
      pattern: { type: 'string' },
      path: { type: 'string', description: `File or directory. ${PATH}` },
      files: { type: 'string', description: 'Only files whose name fits, e.g. *.ts or src/**/*.py' },
    },
    required: ['pattern'],
  },
  Write: {
    needs: 'Write',
    description: 'Writes a whole file, new or instead of what is there; makes the directories above it.',
    properties: { file_path: { type: 'string', description: PATH }, content: { type: 'string' } },
    required: ['file_path', 'content'],
  },
  ApplyPatch: {
    needs: 'Edit',
    description:
      'Changes files by a unified diff (--- a/path, +++ b/path, @@ hunks; /dev/null for a new or deleted file). Read a file ' +
      'before you patch it; give three lines around each change, exactly as they are. All of it is applied, or nothing.',
    properties: { patch: { type: 'string' } },
    required: ['patch'],
  },
};

export const FILE_TOOL_NAMES = Object.keys(FILE_TOOLS) as readonly ToolName[];

export const isFileTool = (name: string): name is ToolName => Object.hasOwn(FILE_TOOLS, name);

/** Those that the policy of the task allows; whatever else is called is refused. */
export function allowedTools({ tools }: Pick<AgentTask, 'tools'>): ToolName[] {
  return FILE_TOOL_NAMES.filter((name) => tools.includes(FILE_TOOLS[name].needs));
}

/** Those of one answer: what it writes and how it ends; what only tells the model something is of no use to it. */
export const singleTools = (task: Pick<AgentTask, 'tools' | 'outputSchema'>): Anthropic.Tool[] =>
  offeredTools(task, false).filter(({ name }) => ['Write', STRUCTURED_OUTPUT].includes(name));

/** As the Messages API takes them. */
export function offeredTools(
  task: Pick<AgentTask, 'tools' | 'outputSchema'>,
  mayHandOver: boolean,
): Anthropic.Tool[] {
  const files = allowedTools(task).map((name) => {
    const { description, properties, required } = FILE_TOOLS[name];
    return { name, description, input_schema: { type: 'object' as const, properties, required } };
  });
  return [
    ...files,
    ...(mayHandOver ? [handOver] : []),
    ...(task.outputSchema === undefined
      ? []
      : [
          {
            name: STRUCTURED_OUTPUT,
            description: 'Gives the final answer. Call it once, as the last thing you do.',
            input_schema: { type: 'object' as const, ...task.outputSchema },
          },
        ]),
  ];
}

const handOver = {
  name: HAND_OVER,
  description:
    'Gives the task to an agent with a shell. For what needs programs to be run (tests, builds, git), or a longer work on ' +
    'many files. Say what you have found and done, so that it need not be found again.',
  input_schema: {
    type: 'object' as const,
    properties: {
      reason: { type: 'string', description: 'Why it needs the other agent, in a sentence' },
      learned: {
        type: 'string',
        description: 'What you know by now: files, findings, what is done and what is left',
      },
    },
    required: ['reason'],
  },
};
