/** The engine-neutral order that a command compiles to. */
import type { WorkspaceAccess } from '../sandbox/sandbox.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface AgentTask {
  /** Name of the command that it was compiled from. */
  command: string;
  /** Name of the engine that is to carry it out. */
  engine: string;
  /** What the agent is asked, as the user wrote it plus the command's framing. Reaches the engine over its protocol only. */
  prompt: string;
  /** Added to the engine's own system prompt. */
  systemPrompt: string;
  /** Names of the tools the agent may use; anything else is denied. */
  tools: readonly string[];
  access: WorkspaceAccess;
  /** Relative to the workspace. */
  workingDirectory: string;
  /** Files that the agent is told to look at first, relative to the workspace; they must exist. */
  files: readonly string[];
  model: string;
  limits: {
    /** Milliseconds from start to end. */
    timeoutMs: number;
    /** Output tokens over the whole execution; undefined = no cap. */
    maxOutputTokens?: number;
    /** Model turns, the guard against loops. */
    maxTurns: number;
  };
  /** When set, the agent's final answer is an object of this shape (`AgentOutcome.structured`). */
  outputSchema?: JsonSchema;
}
