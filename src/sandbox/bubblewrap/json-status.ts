/** Reads what bubblewrap writes to `--json-status-fd`: one JSON object a line, in chunks that may end anywhere. */
import { z } from 'zod';

const STATUS_LINE = z.object({ 'child-pid': z.int().positive().optional(), 'exit-code': z.int().optional() });
/** bubblewrap's lines are below 200 bytes; anything longer is not its own. */
const LINE_MAX = 4096;

export class JsonStatus {
  /** Process id, on the host, of the sandbox's first process. */
  childPid?: number;
  /** Set once every process of the sandbox is gone. */
  exitCode?: number;
  #rest = '';

  /** @throws Error on what is not bubblewrap's format */
  push(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_MAX) throw new Error('a status line of bubblewrap is too long');
    for (const line of lines.filter((text) => text.trim() !== '')) {
      const status = STATUS_LINE.parse(JSON.parse(line));
      this.childPid ??= status['child-pid'];
      this.exitCode ??= status['exit-code'];
    }
  }
}
