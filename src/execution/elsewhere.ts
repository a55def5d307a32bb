/** The port by which an execution is ended that another process runs. */
import { Injectable } from '@nestjs/common';
import type { Execution } from './execution.js';

export abstract class Elsewhere {
  /** Resolves when it has ended, or nobody answered in time. */
  abstract cancel(execution: Execution): Promise<void>;
}

/** With one process there is nowhere else. */
@Injectable()
export class Nowhere extends Elsewhere {
  cancel({ id }: Execution): Promise<void> {
    return Promise.reject(new Error(`execution ${id} runs, and not in this process`));
  }
}
