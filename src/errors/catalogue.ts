/** Every error a client can meet: its code, name, HTTP status and meaning. The documentation table is this table. */
export const ERROR_CATALOGUE = {
  E001: { name: 'TIMEOUT', status: 504, when: 'the time limit ended it' },
  E002: {
    name: 'RATE_LIMIT',
    status: 429,
    when: 'per user, per IP, or upstream after retries; always `Retry-After`',
  },
  E003: {
    name: 'INVALID_PROMPT',
    status: 400,
    when: 'any request that fails validation; `details` names each field',
  },
  E004: { name: 'FILE_ACCESS', status: 403, when: 'a path that is not in the workspace, or cannot be read' },
  E005: { name: 'API_ERROR', status: 502, when: "the model's service failed" },
  E006: { name: 'SANDBOX_VIOLATION', status: 403, when: 'asked for, or tried, to leave the sandbox' },
  E007: { name: 'UNAUTHENTICATED', status: 401, when: 'no key, or not a valid one' },
  E008: { name: 'FORBIDDEN', status: 403, when: 'a valid key without the scope' },
  E009: { name: 'NOT_FOUND', status: 404, when: "unknown, or somebody else's" },
  E010: { name: 'CONFLICT', status: 409, when: 'idempotency key with another body; state does not allow it' },
  E011: {
    name: 'BUDGET_EXCEEDED',
    status: 402,
    when: 'tokens or money of the request, project or user used up',
  },
  E012: {
    name: 'UNAVAILABLE',
    status: 503,
    when: 'no sandbox can be had, shutting down, queue full; `Retry-After`',
  },
  E013: { name: 'CANCELLED', status: 409, when: 'the caller cancelled it' },
  E014: { name: 'WORKER_LOST', status: 500, when: 'the process that ran it died; `details.retryable`' },
  E015: {
    name: 'RESOURCE_LIMIT',
    status: 422,
    when: 'memory, processes, disk or output limit of the sandbox',
  },
  E099: { name: 'INTERNAL', status: 500, when: 'a defect; `details.errorId` is in the log' },
} as const satisfies Record<string, { name: string; status: number; when: string }>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
