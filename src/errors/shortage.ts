/** What the machine lacks for a while (disk, descriptors, a free database): it passes, and is no defect. */

/** Seconds: whoever has to make room needs longer, but a locked database is free sooner. */
export const SHORTAGE_RETRY_AFTER = 5;

/** Thrown by a database that cannot read or write now; the driver's own error is its cause. */
export class StorageShortage extends Error {
  override readonly name = 'StorageShortage';

  constructor(cause: Error) {
    super(`the database refuses for now: ${cause.message}`, { cause });
  }
}

/** What the kernel says of a full or read-only disk, a failing one, and of used-up descriptors, processes and memory. */
const CODES: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'ENOMEM',
]);

/** Whether this failed for want of something that may be there again in a moment. */
export const isShortage = (error: unknown): boolean =>
  error instanceof StorageShortage ||
  (error instanceof Error && CODES.has((error as NodeJS.ErrnoException).code));
