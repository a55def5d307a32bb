/** Whether this process is stopping: set once, on the first signal; read by whoever takes work and by readiness. */
import { Injectable } from '@nestjs/common';

@Injectable()
export class Lifecycle {
  private begun = false;
  private readonly last = new AbortController();

  get stopping(): boolean {
    return this.begun;
  }

  /** Aborted when whoever still tries to write something must give it up: the next start takes it up. */
  get lastChance(): AbortSignal {
    return this.last.signal;
  }

  beginStop(): void {
    this.begun = true;
  }

  giveUp(): void {
    this.last.abort(new Error('the server stops before this could be written'));
  }
}
