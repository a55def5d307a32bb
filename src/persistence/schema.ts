/** The tables as TypeScript sees them. Portable types only: text ids, epoch-millisecond integers, JSON as text. */
import type { ColumnType, Generated } from 'kysely';

/** Written once, never updated. */
type Fixed<T> = ColumnType<T, T, never>;

export interface ExecutionsTable {
  /** UUIDv7: creation order is id order. */
  id: Fixed<string>;
  userId: Fixed<string>;
  projectId: Fixed<string>;
  /** Id of the API key that asked. */
  keyId: Fixed<string>;
  requestId: Fixed<string>;
  /** W3C traceparent of the submission, so that whoever runs it goes on in the same trace. */
  traceparent: Fixed<string | null>;
  action: Fixed<string>;
  access: Fixed<string>;
  /** `economy` while it is held for the answer of the model's service: nobody's turn, in no queue. */
  priority: string;
  /** The parcel in which the model's service was asked; it is null as well of what was not sent there. */
  parcelId: ColumnType<string | null, string | null | undefined, string>;
  batchId: Fixed<string | null>;
  /** 0, 1, 2 … in its batch. */
  position: Fixed<number | null>;
  /** Id of the execution whose conversation it goes on in; that one may be gone. */
  continues: Fixed<string | null>;
  engine: Fixed<string>;
  model: Fixed<string>;
  /** The ClaudeCodeRequest as JSON. */
  request: Fixed<string>;
  idempotencyKey: Fixed<string | null>;
  /** SHA-256 of the canonical request: tells a repeated call from a different one under the same idempotency key. */
  requestHash: Fixed<string>;
  status: string;
  /** n-th start; every write of a run carries it, so a run that lost its execution can write nothing. */
  attempt: number;
  /** Number of the last event. */
  lastSeq: number;
  createdAt: Fixed<number>;
  startedAt: number | null;
  endedAt: number | null;
  errorCode: string | null;
  /** The ClaudeCodeResponse as JSON, once ended. */
  response: string | null;
  /** Names of the workspace's content before and after it; null while unknown, and when it only read. */
  treeBefore: string | null;
  treeAfter: string | null;
  /** 1 when it needs its workspace for itself, 0 when others may read there meanwhile. */
  writes: ColumnType<number, number | undefined, never>;
  /** Who runs its last attempt; null with one process, which has nobody to tell it from. */
  processId: string | null;
  /** When a process that does not run it was asked to cancel it. */
  cancelAskedAt: number | null;
}

export interface ProcessesTable {
  /** UUIDv7, new with each start, and with each time it was given up for lost. */
  id: Fixed<string>;
  startedAt: Fixed<number>;
  /** When it last said that it is there, by the clock of the database. */
  seenAt: number;
  /** When it was given up; it runs nothing from then on. */
  lostAt: number | null;
}

export interface EventsTable {
  executionId: Fixed<string>;
  seq: Fixed<number>;
  at: Fixed<number>;
  type: Fixed<string>;
  data: Fixed<string>;
  batchId: Fixed<string | null>;
  /** 1, 2, 3 … without holes, over all executions of the batch. */
  batchSeq: Fixed<number | null>;
}

export interface BatchesTable {
  /** UUIDv7. */
  id: Fixed<string>;
  /** Whose key asked. */
  userId: Fixed<string>;
  keyId: Fixed<string>;
  requestId: Fixed<string>;
  idempotencyKey: Fixed<string | null>;
  /** SHA-256 of the canonical body. */
  requestHash: Fixed<string>;
  /** `BatchMode`; `standard` unless said otherwise. */
  mode: ColumnType<string, string | undefined, never>;
  /** Of mode `economy`: which of several processes carries it, and when all of it had been settled with the service. */
  processId: ColumnType<string | null, never, string>;
  closedAt: ColumnType<number | null, never, number>;
  /** Requests it was made of. */
  total: Fixed<number>;
  /** Number of the last event of its executions. */
  lastSeq: number;
  createdAt: Fixed<number>;
}

/** What of a batch the model's service has as one Message Batch. */
export interface ParcelsTable {
  /** The service's. */
  id: Fixed<string>;
  batchId: Fixed<string>;
  sentAt: Fixed<number>;
  cancelledAt: ColumnType<number | null, never, number>;
  /** When all of its results had been taken, or nobody wanted them any more. */
  closedAt: ColumnType<number | null, never, number>;
}

/** What the model's service answered to those who have their turn now. */
export interface GivenAnswersTable {
  executionId: Fixed<string>;
  /** GivenAnswer as JSON. */
  body: Fixed<string>;
}

export interface ChangesTable {
  executionId: Fixed<string>;
  /** ChangeSet as JSON. */
  body: Fixed<string>;
}

export interface ConversationsTable {
  executionId: Fixed<string>;
  /** Bytes of the engine's own, packed by gzip, in base64. */
  body: Fixed<string>;
}

export interface UsageTable {
  executionId: Fixed<string>;
  model: Fixed<string>;
  userId: Fixed<string>;
  projectId: Fixed<string>;
  /** UTC day of the end, YYYY-MM-DD. */
  day: Fixed<string>;
  inputTokens: Fixed<number>;
  outputTokens: Fixed<number>;
  cacheCreationTokens: Fixed<number>;
  cacheReadTokens: Fixed<number>;
  /** US dollars; null when the model has no known price. */
  costUsd: Fixed<number | null>;
}

export interface ApiKeysTable {
  id: Fixed<string>;
  userId: Fixed<string>;
  name: Fixed<string>;
  /** First characters of the secret, to recognise it by. */
  prefix: Fixed<string>;
  /** SHA-256 of the secret, hex. A 256-bit random secret needs no slow hash. */
  hash: Fixed<string>;
  /** JSON array of scopes. */
  scopes: Fixed<string>;
  createdAt: Fixed<number>;
  revokedAt: number | null;
}

export interface AuditTable {
  /** 1, 2, 3 … without holes: the order of the chain. */
  id: Fixed<number>;
  at: Fixed<number>;
  /** Canonical JSON of the entry, exactly as it was hashed. */
  entry: Fixed<string>;
  /** For filtering only; the same value stands in `entry`. */
  userId: Fixed<string | null>;
  /** SHA-256 over the previous hash and `entry`, hex. */
  hash: Fixed<string>;
}

export interface AuditAnchorsTable {
  /** `base`: the last entry that was swept away (0 = none was); `head`: the last entry of all. */
  name: Fixed<'base' | 'head'>;
  entryId: number;
  hash: string;
}

export interface WorkspacesTable {
  /** Opaque directory name. */
  id: Fixed<string>;
  userId: Fixed<string>;
  projectId: Fixed<string>;
  createdAt: Fixed<number>;
  /** Host uid of its sandboxes, when it waited for its owner; null = the user's. */
  uid: Fixed<number | null>;
  /** How often one of several processes has ended to write to it; 0 with one process, which counts for itself. */
  writes: ColumnType<number, never, number>;
  /** In object storage: counts its versions; 0 is the empty one. */
  version: ColumnType<number, never, number>;
  /** `Stored` as JSON: where that version is; null of version 0. */
  stored: ColumnType<string | null, never, string>;
}

/** Of several processes: who uses the files of a workspace. One holds for as long as its process is not lost. */
export interface LeasesTable {
  id: Fixed<string>;
  workspaceId: Fixed<string>;
  /** `LeaseKind`. */
  kind: Fixed<string>;
  processId: Fixed<string>;
  createdAt: Fixed<number>;
}

/** Made ahead, and nobody's yet. */
export interface WaitingWorkspacesTable {
  /** Opaque directory name. */
  id: Fixed<string>;
  /** Host uid, nobody else's; null when the server is not root. */
  uid: Fixed<number | null>;
  createdAt: Fixed<number>;
  /** Whose it waits with; null with one process. */
  processId: ColumnType<string | null, string | null | undefined, never>;
}

export interface SnapshotsTable {
  /** UUIDv7: creation order is id order. */
  id: Fixed<string>;
  workspaceId: Fixed<string>;
  tree: Fixed<string>;
  kind: Fixed<string>;
  /** While this execution is known, the snapshot stays. */
  executionId: Fixed<string | null>;
  files: Fixed<number>;
  bytes: Fixed<number>;
  createdAt: Fixed<number>;
}

export interface AnswersTable {
  /** SHA-256 of everything that decides the answer but the files, hex. */
  question: Fixed<string>;
  /** Name of what the command could see. */
  content: Fixed<string>;
  /** Of an answer that worked on files: in which workspace these contents are kept. */
  workspaceId: string | null;
  treeBefore: string | null;
  treeAfter: string | null;
  /** Answer as JSON. */
  body: string;
  /** Of `body`. */
  bytes: number;
  createdAt: number;
  /** About: it is set again when it has become old. */
  usedAt: number;
}

export interface SandboxUidsTable {
  userId: Fixed<string>;
  uid: Generated<number>;
}

export interface EgressGrantsTable {
  userId: Fixed<string>;
  projectId: Fixed<string>;
  /** JSON array of host patterns. */
  hosts: string;
  /** Epoch milliseconds of the last change. */
  changedAt: number;
}

export interface Schema {
  executions: ExecutionsTable;
  batches: BatchesTable;
  parcels: ParcelsTable;
  givenAnswers: GivenAnswersTable;
  events: EventsTable;
  changes: ChangesTable;
  conversations: ConversationsTable;
  usage: UsageTable;
  apiKeys: ApiKeysTable;
  audit: AuditTable;
  auditAnchors: AuditAnchorsTable;
  workspaces: WorkspacesTable;
  waitingWorkspaces: WaitingWorkspacesTable;
  snapshots: SnapshotsTable;
  answers: AnswersTable;
  sandboxUids: SandboxUidsTable;
  processes: ProcessesTable;
  leases: LeasesTable;
  egressGrants: EgressGrantsTable;
}
