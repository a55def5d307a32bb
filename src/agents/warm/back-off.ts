/** When what failed may be tried again: later each time it fails, and at once when it went well. */

/** Milliseconds after the first failure; twice as many after each further one, up to the longest. */
const FIRST = 5000;
const LONGEST = 300_000;

export class BackOff {
  #failures = 0;
  #notBefore = 0;

  constructor(private readonly now: () => number) {}

  /** True when it may be tried. */
  get over(): boolean {
    return this.#notBefore <= this.now();
  }

  failed(): void {
    this.#notBefore = this.now() + Math.min(FIRST * 2 ** this.#failures, LONGEST);
    this.#failures += 1;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }
}
