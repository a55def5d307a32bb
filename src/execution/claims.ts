/** The port by which an attempt begins: whoever claims an execution runs it, and nobody else does. */
import { Injectable } from '@nestjs/common';
import type { Execution } from './execution.js';
import { ExecutionStore } from './execution-store.js';

export abstract class Claims {
  /** Begins the next attempt; undefined when it no longer waits, or may not begin now. */
  abstract claim(executionId: string): Promise<Execution | undefined>;

  /** Lets an attempt that this process cannot finish be made by another one; false when nobody may repeat it. */
  abstract handBack(execution: Execution): Promise<boolean>;
}

/** Starts at most: a read-only execution whose worker was lost is started once more; reading twice harms nothing. */
const MAX_ATTEMPTS = 2;

export const mayRepeat = ({ access, attempt }: Execution): boolean =>
  access === 'read-only' && attempt < MAX_ATTEMPTS;

/** With one process its queue alone says whose turn it is. */
@Injectable()
export class OwnClaims extends Claims {
  constructor(private readonly store: ExecutionStore) {
    super();
  }

  claim(executionId: string): Promise<Execution | undefined> {
    return this.store.claim(executionId);
  }

  /** There is nobody else, and the caller need not wait for the next start. */
  handBack(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
