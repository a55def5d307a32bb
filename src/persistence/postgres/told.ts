/** Tells a PostgreSQL that refuses for now, or is away, from one that was asked something wrong. */
import { StorageShortage } from '../../errors/shortage.js';

/** What the network says of a server that is away; `ENOENT`: its unix socket is. */
const AWAY: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);

/** What the driver says of its own; these errors have no code. */
const BY_THE_DRIVER =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** SQLSTATEs after which the session is gone: connection exceptions, shutdown, crash, start-up, idle for too long. */
const SESSION_GONE = /^(08...|57P0[1235]|25P03)$/;

/**
 * SQLSTATEs of what passes otherwise: out of memory, disk or connections; I/O; a statement or a lock that took too long;
 * a deadlock or a conflict; a standby that takes no writes yet.
 */
const PASSING = /^(53...|58030|57014|55P03|40001|40P01|25006)$/;

/** Of whatever was thrown; by its shape, because the tests' errors of the network come from another realm. */
const partsOf = (error: unknown) => (error ?? {}) as { code?: unknown; message?: unknown };
const isOf = (pattern: RegExp, text: unknown) => typeof text === 'string' && pattern.test(text);

/** Whether the connection on which this was thrown cannot be used again, and what became of its last statement is unknown. */
export function isLost(error: unknown): boolean {
  const { code, message } = partsOf(error);
  if (code === undefined) return isOf(BY_THE_DRIVER, message);
  return AWAY.has(code) || isOf(SESSION_GONE, code);
}

/** The error itself, or a `StorageShortage` when the database may answer again in a moment. */
export function toldOf(error: unknown): Error {
  if (error instanceof StorageShortage) return error;
  const passes = isLost(error) || isOf(PASSING, partsOf(error).code);
  return passes ? new StorageShortage(error as Error) : (error as Error);
}
