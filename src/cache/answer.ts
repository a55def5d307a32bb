/** What is kept of an execution that succeeded: enough to answer the same request again as if it had run. */
import type { AgentEvent, AgentOutcome } from '../agents/agent-engine.js';
import type { ChangeSet, Snapshot } from '../workspaces/workspace.js';

export interface Answer {
  /** What the agent said and did, in order. */
  events: AgentEvent[];
  outcome: AgentOutcome;
  changes: ChangeSet;
  /** The model that did most of the work. */
  model: string;
  /** What was said, as the execution's own is kept: one that is given this answer can be continued too. */
  conversation?: string;
  /** Of one that worked on files, in the workspace or in a copy of it. */
  way?: Way;
}

/** What the files were before and after; the workspace keeps both contents as long as the answer is kept. */
export interface Way {
  workspaceId: string;
  before: Snapshot;
  after: Snapshot;
}
