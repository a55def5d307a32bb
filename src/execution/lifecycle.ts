/** Whether this process is stopping: set once, on the first signal; read by whoever takes work and by readiness. */
import { Injectable } from '@nestjs/common';

@Injectable()
export class Lifecycle {
  private begun = false;
  private readonly last = new AbortController();
  private readonly leave = new AbortController();

  get stopping(): boolean {
    return this.begun;
  }

  /** Aborted when whoever still tries to write something must give it up: the next start takes it up. */
  get lastChance(): AbortSignal {
    return this.last.signal;
  }

  /** Aborted when readers are to go on at another process: where nothing runs they would only be cut off later. */
  get leaving(): AbortSignal {
    return this.leave.signal;
  }

  sendAway(): void {
    this.leave.abort();
  }

  beginStop(): void {
    this.begun = true;
  }

  giveUp(): void {
    this.last.abort(new Error('the server stops before this could be written'));
  }
}
