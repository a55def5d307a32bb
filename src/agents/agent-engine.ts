/** The engine port: a way to carry out an AgentTask in a sandbox, as a stream of events with one outcome. */
import type { EgressRoute } from '../egress/egress-gateway.js';
import type { ModelRoute } from '../model-gateway/model-gateway.js';
import type { Workspace } from '../workspaces/workspace.js';
import type { AgentTask } from './agent-task.js';

/** What an engine reports while it works; the types and data are those of the event log. */
export type AgentEvent =
  | { type: 'agent.text'; data: { text: string } }
  | { type: 'agent.thinking'; data: { text: string } }
  | { type: 'agent.tool_use'; data: { id: string; name: string; input: unknown } }
  | { type: 'agent.tool_result'; data: { id: string; output: string; isError: boolean } };

/** How a task ended when the agent itself ended it. */
export interface AgentOutcome {
  /** The agent's final answer. */
  text: string;
  /** The object asked for by `outputSchema`. */
  structured?: Record<string, unknown>;
  /** True when the model said that it had finished; otherwise the answer may be cut. */
  complete?: boolean;
}

export interface AgentOrder {
  task: AgentTask;
  workspace: Workspace;
  /** The way to the hosts that were granted to the project; undefined when none was. */
  egress?: EgressRoute;
  /** What was said before, as a place of this engine told it: the task goes on from there. */
  conversation?: Buffer;
}

export interface AgentRun {
  /** Aborted when the execution must end (cancel, time-out, shutdown): the engine ends its sandbox and returns or throws. */
  signal: AbortSignal;
  /** Awaited before each tool of the agent's runs: until then nothing is changed. Rejects when the run has to end. */
  mayAct: () => Promise<void>;
}

/** Where one task is carried out: a sandbox of its own with its way to the model, used once. */
export interface AgentPlace {
  /** To be bound by whoever knows the execution; until then the agent does not get through. */
  readonly route: ModelRoute;

  /**
   * Sends the task at once, and tells what comes of it. Leaves nothing alive when it has returned or thrown.
   * @throws ClaudeCodeError E005 (crash, rubbish, no result), E012 (no sandbox), E015 (output limit)
   */
  run(run: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void>;

  /**
   * What was said in it, and before it: opaque, from an untrusted process, without secrets. To be asked for when `run` has
   * returned; undefined when it is larger than may be kept, or is not known whole.
   */
  conversation(): Buffer | undefined;

  /** Resolves when nothing of the place is left; also of one that was never run. */
  close(): Promise<void>;
}

export abstract class AgentEngine {
  /** As in `execution.engine`, e.g. `claude-code`. */
  abstract readonly name: string;

  /** Tells one installed version from another. @throws ClaudeCodeError E012 when none is installed */
  abstract version(): string;

  /** Provides a place for the task: one that waits for it already, or a new one. @throws ClaudeCodeError E012 */
  abstract take(order: AgentOrder): Promise<AgentPlace>;
}
