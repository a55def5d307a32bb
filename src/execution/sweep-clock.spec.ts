import { SweepClock } from './sweep-clock.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('the clock of sweeps', () => {
  const time = { wall: 1_000 * DAY, steady: 0 };
  const clock = new SweepClock({ wall: () => time.wall, steady: () => time.steady });
  const pass = (milliseconds: number) => {
    time.wall += milliseconds;
    time.steady += milliseconds;
  };

  it('is the wall clock, also when that is set back or a little ahead', () => {
    pass(10 * DAY);
    expect(clock.now()).toBe(time.wall);
    time.wall -= 30 * DAY;
    expect(clock.now()).toBe(time.wall);
    time.wall += HOUR / 2;
    expect(clock.now()).toBe(time.wall);
  });

  it('does not believe a jump ahead before a day has gone by, and never one that is taken back', () => {
    time.wall += 365 * DAY;
    pass(23 * HOUR);
    expect(clock.now()).toBe(time.wall - 365 * DAY);
    time.wall -= 365 * DAY;
    expect(clock.now()).toBe(time.wall);

    time.wall += 365 * DAY;
    expect(clock.now()).toBe(time.wall - 365 * DAY);
    pass(DAY);
    expect(clock.now()).toBe(time.wall);
  });
});
