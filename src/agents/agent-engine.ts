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
  | { type: 'agent.tool_result'; data: { id: string; output: string; isError: boolean } }
  | { type: 'agent.engine'; data: EngineChoice };

/** Who carries the task out from here on, and why: told by an engine that gives it to another one. */
export interface EngineChoice {
  /** Name of the engine. */
  name: string;
  /** Points, and from how many on it is the stronger engine. */
  score: number;
  threshold: number;
  /** What the points are for, or whatever else decided. */
  reasons: string[];
  /** True when it has been begun by another engine, which gave it up. */
  handedOver?: true;
}

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

/** What an engine can do beyond what all of them do. */
export interface EngineCapabilities {
  /** Runs programs of the workspace: builds, tests, git. */
  runsPrograms: boolean;
  /** Gets to the hosts that were granted to a project. */
  reachesHosts: boolean;
  /** Has places that wait for their task. */
  keepsWarm: boolean;
}

export abstract class AgentEngine {
  /** As in `execution.engine`, e.g. `claude-code`. */
  abstract readonly name: string;
  abstract readonly capabilities: EngineCapabilities;
  /** The tools that it has, by the names of its events; what a task may use of them its policy says. */
  abstract readonly tools: readonly string[];
  /** The models that it can ask. */
  abstract readonly models: readonly string[];

  /** Tells one installed version from another, for machines. @throws ClaudeCodeError E012 when none is installed */
  abstract version(): string;

  /** The version as people know it; undefined when only running it could tell. */
  abstract release(): string | undefined;

  /** Why it could carry out nothing now, for people; undefined when it is well. */
  abstract trouble(): string | undefined;

  /** Whether it can go on in a conversation that this engine has kept. */
  goesOnFrom(engine: string): boolean {
    return engine === this.name;
  }

  /** Provides a place for the task: one that waits for it already, or a new one. @throws ClaudeCodeError E012 */
  abstract take(order: AgentOrder): Promise<AgentPlace>;
}
