import { DAY_MS, Sweeper } from './sweeper.js';

class Trial extends Sweeper {
  readonly times: number[] = [];
  failure?: Error;

  constructor() {
    super(DAY_MS);
  }

  protected remove(now: number): Promise<void> {
    this.times.push(now);
    return this.failure === undefined ? Promise.resolve() : Promise.reject(this.failure);
  }
}

describe('a sweeper', () => {
  afterEach(() => jest.restoreAllMocks());

  it('does not believe a clock that has jumped ahead by a year', async () => {
    const sweeper = new Trial();
    const begun = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(begun + 365 * DAY_MS);
    await sweeper.sweep();
    expect(sweeper.times[0]).toBeLessThan(begun + DAY_MS);
  });

  it('goes on after a sweep that failed', async () => {
    const sweeper = new Trial();
    sweeper.failure = new Error('the database is locked');
    await sweeper.sweep(1);
    sweeper.failure = undefined;
    await sweeper.sweep(2);
    expect(sweeper.times).toEqual([1, 2]);
  });
});
