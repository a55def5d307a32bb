import fc from 'fast-check';
import { FairQueue } from './fair-queue.js';

const push = (queue: FairQueue, userId: string, count: number) => {
  for (let n = 1; n <= count; n += 1) queue.push({ executionId: `${userId}${n}`, userId });
};
const drain = (queue: FairQueue): string[] => {
  const order: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) order.push(next.executionId);
  return order;
};

describe('FairQueue', () => {
  it('keeps the order of arrival for one user', () => {
    const queue = new FairQueue();
    push(queue, 'a', 3);
    expect(drain(queue)).toEqual(['a1', 'a2', 'a3']);
  });

  it('runs the first of a newcomer next, whatever another user has queued', () => {
    const queue = new FairQueue();
    push(queue, 'a', 50);
    for (let n = 0; n < 5; n += 1) queue.shift();
    queue.push({ executionId: 'b1', userId: 'b' });
    expect(queue.shift()?.executionId).toBe('b1');
  });

  it('takes turns between users who both have a backlog', () => {
    const queue = new FairQueue();
    push(queue, 'a', 3);
    push(queue, 'b', 3);
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  });

  it('gives a user who comes again and again no more than his turn', () => {
    const queue = new FairQueue();
    push(queue, 'a', 4);
    push(queue, 'b', 1);
    const order: string[] = [];
    for (let n = 2; n <= 5; n += 1) {
      const next = queue.shift();
      order.push(next?.executionId ?? '');
      if (next?.userId === 'b') queue.push({ executionId: `b${n}`, userId: 'b' });
    }
    expect(order.filter((id) => id.startsWith('a'))).toHaveLength(2);
  });

  it('lets one be taken out where it stands', () => {
    const queue = new FairQueue();
    push(queue, 'a', 3);
    expect(queue.remove('a2')).toBe(true);
    expect(queue.remove('a2')).toBe(false);
    expect(drain(queue)).toEqual(['a1', 'a3']);
  });

  it('never lets a waiting one be passed by more than one of each other user per own place, and loses none', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 }), (users) => {
        const queue = new FairQueue();
        users.forEach((userId, index) => queue.push({ executionId: `${userId}:${index}`, userId }));
        const order = drain(queue);
        expect([...order].sort()).toEqual(users.map((userId, index) => `${userId}:${index}`).sort());
        const seen = new Map<string, number>();
        for (const id of order) {
          const userId = id.slice(0, 1);
          const place = (seen.get(userId) ?? 0) + 1;
          seen.set(userId, place);
          // The n-th of a user stands behind everyone's (n−1)-th: nobody is more than one ahead of its place.
          for (const other of new Set(users)) {
            const total = users.filter((it) => it === other).length;
            expect(seen.get(other) ?? 0).toBeGreaterThanOrEqual(Math.min(place - 1, total));
          }
        }
      }),
    );
  });
});
