/** Ctrl-C: the first one cancels what runs and waits for its end, the second does not wait. */
import { EXIT } from './exit-codes.js';

/** A terminal and a package runner may each send the same one. */
const SAME_MS = 300;

export class Interruption implements Disposable {
  private readonly controller = new AbortController();
  private since: number | undefined;

  /** @param onFirst what the first one does */
  constructor(private readonly onFirst: () => void) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.handle);
  }

  /** Aborted by the first one. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.handle);
  }

  private readonly handle = (): void => {
    if (this.since !== undefined && performance.now() - this.since < SAME_MS) return;
    if (this.since !== undefined) process.exit(EXIT.cancelled);
    this.since = performance.now();
    this.controller.abort(new Error('interrupted'));
    this.onFirst();
  };
}
