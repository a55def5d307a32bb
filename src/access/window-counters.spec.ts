import { WindowCounters } from './window-counters.js';

describe('windows', () => {
  afterEach(() => jest.restoreAllMocks());

  it('are as long as they are meant to be, whatever the fraction of a millisecond at which they begin', async () => {
    const clock = jest.spyOn(performance, 'now');
    const told = new Set<number>();
    for (let count = 0; count < 1000; count += 1) {
      clock.mockReturnValue(10_000 + count * 0.1371);
      const { timeToExpire } = await new WindowCounters().increment('ip:1', 60_000, 1, 60_000);
      told.add(timeToExpire);
    }
    expect([...told]).toEqual([60]);
  });
});
