/** What the audit keeps of a call: who, what, when and with what outcome; never the prompt. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../errors/catalogue.js';

export const AUDIT_TYPES = [
  /** An execution was asked for and taken on; committed together with it. */
  'execution.accepted',
  'execution.ended',
  /** Another call that changes something: written before it is carried out. */
  'call.accepted',
  'call.ended',
  'call.refused',
  /** A sandbox asked for a connection to the outside: written before its first byte goes out. */
  'egress.connection',
] as const;
export type AuditType = (typeof AUDIT_TYPES)[number];

export interface AuditEntry {
  type: AuditType;
  /** Of the call; of a connection, an id of its own, which is in the log too. */
  requestId: string;
  /** A command (`generate`), an HTTP call (`DELETE /api/keys/…`), a socket event, or `CONNECT host:port` of a sandbox. */
  action: string;
  /** Id of the API key; missing when the caller was not authenticated. */
  keyId?: string;
  /** Whose key it is. */
  principalId?: string;
  /** The user it was for: the key's own, or with `act-as` another. */
  userId?: string;
  executionId?: string;
  batchId?: string;
  /** The execution whose conversation it goes on in. */
  continues?: string;
  projectId?: string;
  /** UTF-16 code units. */
  promptLength?: number;
  /** Hex. */
  promptSha256?: string;
  success?: boolean;
  /** Milliseconds. */
  duration?: number;
  tokensUsed?: number;
  errorCode?: ErrorCode;
  remoteAddress?: string;
  /** Of a connection: the address it was made to, if it came to that. */
  dialledAddress?: string;
  /** Of a connection: `opened`, or why it was refused. */
  outcome?: string;
}

/** Keys in alphabetical order, nothing undefined: the same entry has the same bytes. */
export const canonical = (entry: AuditEntry & { at: number }): string =>
  JSON.stringify(Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1))));

export const promptFacts = (prompt: string): Pick<AuditEntry, 'promptLength' | 'promptSha256'> => ({
  promptLength: prompt.length,
  promptSha256: createHash('sha256').update(prompt).digest('hex'),
});
