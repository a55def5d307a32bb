/** An id of a path, as it was given: most that are not ours are simply not found. */
import type { PipeTransform } from '@nestjs/common';
import { ClaudeCodeError } from '../errors/claude-code.error.js';

/** SQLite finds nothing under a text with a NUL; PostgreSQL cannot even be asked for it, and fails. */
export const ID: PipeTransform<string, string> = {
  transform(id) {
    if (id.includes('\0')) throw new ClaudeCodeError('E009', 'Not found.');
    return id;
  },
};

/** For the fields of a body or a query that the database is asked for. */
export const WITHOUT_NUL = /^[^\0]*$/;
