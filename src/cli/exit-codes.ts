/** With what the command ends: a script decides by this number, so each error of the server has one of its own. */
import { CaissonError, type ErrorCode } from '../client/client.js';

export const EXIT = {
  succeeded: 0,
  defect: 1,
  usage: 2,
  unreachable: 3,
  notApplied: 4,
  timedOut: 124,
  cancelled: 130,
} as const;

/** For docs/CLI.md and the help: what is not an error of the server. */
export const EXIT_MEANINGS = {
  [EXIT.succeeded]: 'succeeded',
  [EXIT.defect]: 'a defect, here or on the server (E099)',
  [EXIT.usage]: 'the command line, the configuration file or the input is wrong; nothing was asked',
  [EXIT.unreachable]: 'the server cannot be reached, or is no Caisson',
  [EXIT.notApplied]: 'the agent succeeded, and its changes were not put in place: declined, or in conflict',
} as const;

/** E001 and E013 as shells have it for what timed out and what was interrupted; the others are 10 + their number. */
export function exitCodeOf(code: ErrorCode): number {
  if (code === 'E001') return EXIT.timedOut;
  if (code === 'E013') return EXIT.cancelled;
  return code === 'E099' ? EXIT.defect : 10 + Number(code.slice(1));
}

/** What ends the command with one line for the person who typed it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly exitCode: number = EXIT.usage,
  ) {
    super(message);
  }
}

/** What to say, and with what to end, of anything that was thrown. */
export function ending(error: unknown): { message: string; exitCode: number } {
  if (error instanceof CommandError) return error;
  if (error instanceof CaissonError) {
    const { code } = error;
    if (code === undefined)
      return { message: `no Caisson answers there: ${error.message}`, exitCode: EXIT.unreachable };
    return { message: `${code} ${error.message}${detailsOf(error.details)}`, exitCode: exitCodeOf(code) };
  }
  if (isUnreachable(error)) return { message: error.message, exitCode: EXIT.unreachable };
  return {
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    exitCode: EXIT.defect,
  };
}

/** `fetch` says only that it failed; why is in its cause. */
export function unreachable(where: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : code;
  return new CommandError(
    `${where} cannot be reached${reason === '' ? '' : `: ${reason}`}`,
    EXIT.unreachable,
  );
}

const isUnreachable = (error: unknown): error is Error =>
  error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');

/** Each field that was refused on a line of its own, where that is what the details are. */
function detailsOf(details: unknown): string {
  if (!Array.isArray(details)) return '';
  return details
    .map((entry: unknown) => {
      if (typeof entry !== 'object' || entry === null || !('problem' in entry)) return '';
      const field = 'field' in entry ? String(entry.field) : '';
      const index = 'index' in entry ? `request ${String(entry.index)}: ` : '';
      return `\n  ${index}${field} ${String(entry.problem)}`;
    })
    .join('');
}
