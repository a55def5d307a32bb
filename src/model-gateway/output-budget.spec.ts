import fc from 'fast-check';
import { OutputBudget } from './output-budget.js';

const never = new AbortController().signal;

describe('OutputBudget', () => {
  it('grants what is wanted while there is enough, then what remains, then nothing', async () => {
    const budget = new OutputBudget(100);
    expect(await budget.reserve(60, never)).toBe(60);
    budget.settle(60, 60);
    expect(await budget.reserve(60, never)).toBe(40);
    budget.settle(40, 40);
    expect(await budget.reserve(60, never)).toBe(0);
  });

  it('lets a request wait for one that holds more than it will use', async () => {
    const budget = new OutputBudget(100);
    await budget.reserve(100, never);
    const second = budget.reserve(50, never);
    budget.settle(100, 10);
    expect(await second).toBe(50);
  });

  it('lets a request that fits run beside another', async () => {
    const budget = new OutputBudget(100);
    await budget.reserve(60, never);
    expect(await budget.reserve(40, never)).toBe(40);
  });

  it('lets a waiting request go when its agent leaves', async () => {
    const budget = new OutputBudget(100);
    await budget.reserve(100, never);
    const leaving = new AbortController();
    const second = budget.reserve(1, leaving.signal);
    leaving.abort();
    await expect(second).rejects.toThrow(/abort/i);
  });

  it('is never exceeded, whatever is wanted and used', async () => {
    const requests = fc.array(
      fc.record({
        wanted: fc.integer({ min: 1, max: 100 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(requests, async (orders) => {
        const budget = new OutputBudget(150);
        let spent = 0;
        const run = async ({ wanted, share }: { wanted: number; share: number }) => {
          const granted = await budget.reserve(wanted, never);
          await Promise.resolve();
          const used = Math.floor(granted * share);
          spent += used;
          budget.settle(granted, used);
        };
        await Promise.all(orders.map(run));
        expect(spent).toBeLessThanOrEqual(150);
      }),
    );
  });
});
