/** What an execution is to the rest of the house and to clients. */
import type { WorkspaceAccess } from '../sandbox/sandbox.js';
import type { ErrorCode } from '../errors/catalogue.js';
import type { ClaudeCodeRequest, CommandAction } from '../commands/claude-code-request.js';
import type { ClaudeCodeResponse } from '../commands/claude-code-response.js';
import type { ExecutionStatus } from './execution-state.js';
import type { HELD, Priority } from './waiting.js';

export interface Execution {
  /** UUIDv7. */
  id: string;
  userId: string;
  projectId: string;
  keyId: string;
  requestId: string;
  /** W3C traceparent of its submission; with tracing only. */
  traceparent?: string;
  action: CommandAction;
  access: WorkspaceAccess;
  priority: Priority | typeof HELD;
  /** In which parcel the model's service was asked, when it was asked there. */
  parcelId?: string;
  /** When it was asked for with others: which batch, and where in it (0, 1, 2 …). */
  batchId?: string;
  position?: number;
  /** The execution whose conversation it goes on in. */
  continues?: string;
  engine: string;
  model: string;
  request: ClaudeCodeRequest;
  status: ExecutionStatus;
  attempt: number;
  lastSeq: number;
  /** Epoch milliseconds. */
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  errorCode?: ErrorCode;
  response?: ClaudeCodeResponse;
  /** Names of the workspace's content before and after it. */
  treeBefore?: string;
  treeAfter?: string;
}

/** What lists show: without what was asked and answered, which can be large. */
export type ExecutionSummary = Pick<
  Execution,
  | 'id'
  | 'status'
  | 'action'
  | 'userId'
  | 'projectId'
  | 'createdAt'
  | 'startedAt'
  | 'endedAt'
  | 'attempt'
  | 'engine'
  | 'batchId'
  | 'position'
  | 'continues'
>;
