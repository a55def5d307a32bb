/** Whether this process is stopping: set once, on the first signal; read by whoever takes work and by readiness. */
import { Injectable } from '@nestjs/common';

@Injectable()
export class Lifecycle {
  private begun = false;

  get stopping(): boolean {
    return this.begun;
  }

  beginStop(): void {
    this.begun = true;
  }
}
