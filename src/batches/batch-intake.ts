/** Checks every request of a batch as if it came alone, and lists all that is wrong: a batch is taken whole or not at all. */
import { setImmediate as others } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../access/principal.js';
import type { AgentTask } from '../agents/agent-task.js';
import { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { CommandRegistry } from '../commands/command-registry.js';
import type { ErrorCode } from '../errors/catalogue.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { cut, type FieldProblem, toClaudeCodeError } from '../errors/to-claude-code-error.js';
import { StrictValidationPipe } from '../errors/validation.pipe.js';
import { Conversations } from '../execution/conversations.js';
import type { Execution } from '../execution/execution.js';
import { ExecutionService } from '../execution/execution-service.js';
import { type NamedPath, namedPaths } from '../execution/named-paths.js';
import { HELD } from '../execution/waiting.js';
import { chunks } from '../persistence/chunks.js';
import { Workspaces } from '../workspaces/workspace.js';
import type { BatchMode } from './batch.js';

/** One entry of the `details` of a refused batch. */
export interface ItemProblem extends FieldProblem {
  /** Of the request in `requests`: 0, 1, 2 … */
  index: number;
  /** What the request would have been refused with alone. */
  code: ErrorCode;
}

export interface Asked {
  requests: readonly unknown[];
  mode: BatchMode;
}

interface Prepared {
  execution: Execution;
  task: AgentTask;
}

/** Requests that are checked before others get the event loop: some milliseconds. */
const AT_ONCE = 20;
/** Problems told of one request: every invalid request is listed, and the answer stays smaller than what it refuses. */
const TOLD = 3;
/** Whose answers those of mode economy are. */
const ENGINE = 'messages';
/** Workspaces that are looked into at once; each look is a sandbox. */
const LOOKS = 4;

@Injectable()
export class BatchIntake {
  private readonly pipe = new StrictValidationPipe();

  constructor(
    private readonly executions: ExecutionService,
    private readonly conversations: Conversations,
    private readonly workspaces: Workspaces,
    private readonly commands: CommandRegistry,
  ) {}

  /** @throws ClaudeCodeError E003 with `details: ItemProblem[]`, by index */
  async prepare({ requests, mode }: Asked, caller: Caller, batchId: string): Promise<Execution[]> {
    const prepared: Prepared[] = [];
    const problems: ItemProblem[] = [];
    for (const [index, request] of requests.entries()) {
      if (index % AT_ONCE === 0) await others();
      try {
        const priority = mode === 'economy' ? HELD : 'batch';
        const place = { priority, batchId, position: index } as const;
        const validated = await this.validated(request);
        const { execution, task } = this.executions.prepare(
          mode === 'economy' ? this.inOneAnswer(validated) : validated,
          caller,
          place,
        );
        prepared.push({ execution: await this.conversations.goingOn(execution, caller.principal), task });
      } catch (error) {
        problems.push(...problemsOf(index, error));
      }
    }
    problems.push(...(await this.missingPaths(prepared)));
    if (problems.length > 0)
      throw new ClaudeCodeError('E003', 'The batch is not valid; details names each request.', {
        details: problems.toSorted((a, b) => a.index - b.index),
      });
    return prepared.map(({ execution }) => execution);
  }

  private async validated(request: unknown): Promise<ClaudeCodeRequest> {
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      throw problem('', 'must be an object');
    return (await this.pipe.transform(request, {
      type: 'body',
      metatype: ClaudeCodeRequest,
    })) as ClaudeCodeRequest;
  }

  /** The request as one answer of the model carries it out. @throws ClaudeCodeError E003 when none can */
  private inOneAnswer(request: ClaudeCodeRequest): ClaudeCodeRequest {
    const { action, options } = request;
    const why = this.commands.get(action).severalTurns(request);
    const refuse = (field: string, text: string) =>
      problem(field, `${text}: mode economy asks the model once`);
    if (why !== undefined) throw refuse(options?.fix === true ? 'options.fix' : 'action', why);
    if ((options?.continue ?? undefined) !== undefined)
      throw refuse('options.continue', 'goes on in a conversation');
    if ((options?.engine ?? ENGINE) !== ENGINE)
      throw refuse('options.engine', `must be ${ENGINE}, or left out`);
    return { ...request, options: { ...options, engine: ENGINE } };
  }

  /** One look for all that the batch names in a workspace, directories and files apart. */
  private async missingPaths(prepared: readonly Prepared[]): Promise<ItemProblem[]> {
    const named = prepared.flatMap(({ execution, task }) =>
      namedPaths(task).map((path) => ({ execution, ...path })),
    );
    const groups = Map.groupBy(named, ({ execution: { userId, projectId }, type }) =>
      [userId, projectId, type].join('/'),
    );
    const problems: ItemProblem[] = [];
    for await (const some of chunks([...groups.values()], LOOKS))
      for (const missing of await Promise.all(some.map((group) => this.missingOf(group))))
        problems.push(...missing);
    return problems;
  }

  private async missingOf(group: readonly (NamedPath & { execution: Execution })[]): Promise<ItemProblem[]> {
    const [{ userId, projectId }] = group.map(({ execution }) => execution) as [Execution, ...Execution[]];
    const workspace = await this.workspaces.find(userId, projectId);
    const paths = [...new Map(group.map(({ path, type }) => [path, { path, type }])).values()];
    const missing =
      workspace === undefined
        ? new Set(paths.map(({ path }) => path))
        : await this.workspaces.mustExist(workspace, paths).then(() => new Set<string>(), missingPathsOf);
    return group
      .filter(({ path }) => missing.has(path))
      .map(({ execution, path, type }) => ({
        index: execution.position ?? 0,
        code: 'E004',
        field: type === 'directory' ? 'context.workingDirectory' : 'context.files',
        problem: cut(`not in the workspace: ${path}`),
      }));
  }
}

const problem = (field: string, text: string) =>
  new ClaudeCodeError('E003', text, { details: [{ field, problem: text }] });

/** @throws the error itself when it says nothing about the request */
function problemsOf(index: number, thrown: unknown): ItemProblem[] {
  const { code, message, details } = toClaudeCodeError(thrown);
  if (!['E003', 'E004', 'E006', 'E008', 'E009', 'E010'].includes(code)) throw thrown;
  const fields: FieldProblem[] = Array.isArray(details)
    ? (details as FieldProblem[])
    : [{ field: fieldOf(details) ?? (code === 'E008' ? 'metadata.userId' : ''), problem: message }];
  return fields
    .slice(0, TOLD)
    .map(({ field, problem: text }) => ({ index, code, field: cut(field), problem: cut(text) }));
}

const fieldOf = (details: unknown): string | undefined =>
  typeof details === 'object' && details !== null && 'field' in details && typeof details.field === 'string'
    ? details.field
    : undefined;

/** @throws the error itself when it is another one */
function missingPathsOf(error: unknown): Set<string> {
  if (!(error instanceof ClaudeCodeError) || error.code !== 'E004') throw error;
  return new Set((error.details as { paths: string[] }).paths);
}
