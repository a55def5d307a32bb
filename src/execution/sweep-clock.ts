/** The time by which old things are removed: the wall clock, but a jump ahead is believed only after a day. */

const DAY_MS = 86_400_000;
/** Milliseconds: more than any correction of a clock that is kept; less than any retention. */
const JUMP_MS = 3_600_000;

/**
 * A clock that is set ahead by mistake would have a sweep remove everything at once, and nothing brings it back. So
 * after a jump, time goes on from where it was, for as long as an operator needs to notice.
 */
export class SweepClock {
  private wall: number;
  private steady: number;

  /** @param clocks epoch milliseconds, and milliseconds of a clock that nobody can set: for tests */
  constructor(private readonly clocks = { wall: () => Date.now(), steady: () => performance.now() }) {
    this.wall = clocks.wall();
    this.steady = clocks.steady();
  }

  /** Epoch milliseconds. */
  now(): number {
    const wall = this.clocks.wall();
    const gone = this.clocks.steady() - this.steady;
    const expected = this.wall + gone;
    if (wall - expected > JUMP_MS && gone < DAY_MS) return expected;
    this.wall = wall;
    this.steady = this.clocks.steady();
    return wall;
  }
}
