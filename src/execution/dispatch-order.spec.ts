import fc from 'fast-check';
import { DispatchOrder } from './dispatch-order.js';
import { PRIORITIES, type Waiting } from './waiting.js';

let count = 0;
/** An execution named after its user and its number; by default the only one in its workspace. */
const execution = (executionId: string, more: Partial<Waiting> = {}): Waiting => ({
  executionId,
  userId: executionId.slice(0, 1),
  projectId: `project${(count += 1)}`,
  access: 'read-write',
  priority: 'interactive',
  ...more,
});
const push = (order: DispatchOrder, userId: string, number: number, more: Partial<Waiting> = {}) => {
  for (let n = 1; n <= number; n += 1) order.push(execution(`${userId}${n}`, more));
};
/** All that may run now, without anything ending. */
const taken = (order: DispatchOrder): string[] => {
  const ids: string[] = [];
  for (let next = order.next(); next !== undefined; next = order.next()) ids.push(next.executionId);
  return ids;
};
const shared = { projectId: 'shared' };
const reader = { ...shared, access: 'read-only' } as const;
const batch = { priority: 'batch' } as const;

describe('users', () => {
  it('each get their executions in the order in which they came', () => {
    const order = new DispatchOrder();
    push(order, 'a', 3);
    expect(taken(order)).toEqual(['a1', 'a2', 'a3']);
  });

  it('who are new are served next, whatever another user has waiting', () => {
    const order = new DispatchOrder();
    push(order, 'a', 50);
    for (let n = 0; n < 5; n += 1) order.next();
    push(order, 'b', 1);
    expect(order.next()?.executionId).toBe('b1');
  });

  it('take turns when they all have a backlog', () => {
    const order = new DispatchOrder();
    push(order, 'a', 3);
    push(order, 'b', 3);
    expect(taken(order)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  });

  it('who come again and again get no more than their turn', () => {
    const order = new DispatchOrder();
    push(order, 'a', 4);
    push(order, 'b', 1);
    const ids: string[] = [];
    for (let n = 2; n <= 5; n += 1) {
      const next = order.next();
      ids.push(next?.executionId ?? '');
      if (next?.userId === 'b') order.push(execution(`b${n}`));
    }
    expect(ids.filter((id) => id.startsWith('a'))).toHaveLength(2);
  });
});

describe('a user with as many as may run at once', () => {
  it('waits, holds up nobody, and goes on when one of them ends', () => {
    const order = new DispatchOrder(2);
    push(order, 'a', 4);
    push(order, 'b', 1);
    const first = order.next();
    expect(taken(order)).toEqual(['b1', 'a2']);
    order.leave(first!);
    expect(taken(order)).toEqual(['a3']);
  });

  it('has interactive ones before those of a batch, which count as well', () => {
    const order = new DispatchOrder(1);
    push(order, 'a', 1, batch);
    const first = order.next();
    order.push(execution('a2', batch));
    order.push(execution('a3'));
    order.push(execution('b1', batch));
    expect(taken(order)).toEqual(['b1']);
    order.leave(first!);
    expect(taken(order)).toEqual(['a3']);
  });

  it('keeps the place in the round that it was not served in', () => {
    const order = new DispatchOrder(1);
    push(order, 'a', 3);
    push(order, 'b', 2);
    const first = order.next(); // a1
    const second = order.next(); // b1
    expect(order.next()).toBeUndefined();
    order.leave(second!);
    order.leave(first!);
    expect(taken(order).sort()).toEqual(['a2', 'b2']);
  });

  it('lets go of what is withdrawn while it waits', () => {
    const order = new DispatchOrder(1);
    push(order, 'a', 3);
    const first = order.next();
    expect(order.next()).toBeUndefined();
    order.remove('a2');
    order.leave(first!);
    expect(taken(order)).toEqual(['a3']);
  });
});

describe('one workspace', () => {
  it('has one writer at a time', () => {
    const order = new DispatchOrder();
    push(order, 'a', 2, shared);
    const first = order.next();
    expect(order.next()).toBeUndefined();
    order.leave(first!);
    expect(order.next()?.executionId).toBe('a2');
  });

  it('has its readers beside each other', () => {
    const order = new DispatchOrder();
    push(order, 'a', 3, reader);
    expect(taken(order)).toEqual(['a1', 'a2', 'a3']);
  });

  it('has no reader beside a writer: it would see half of what is being written', () => {
    const order = new DispatchOrder();
    order.push(execution('a1', shared));
    order.push(execution('a2', reader));
    const writer = order.next();
    expect(order.next()).toBeUndefined();
    order.leave(writer!);
    expect(order.next()?.executionId).toBe('a2');
  });

  it('lets a writer in before the readers that came after it', () => {
    const order = new DispatchOrder();
    order.push(execution('a1', reader));
    const reading = order.next();
    order.push(execution('a2', shared));
    order.push(execution('a3', reader));
    expect(order.next()).toBeUndefined();
    order.leave(reading!);
    expect(order.next()?.executionId).toBe('a2');
    expect(order.next()).toBeUndefined();
  });

  it('that is taken holds up nobody else', () => {
    const order = new DispatchOrder();
    push(order, 'a', 3, shared);
    order.push(execution('a4'));
    order.push(execution('b1'));
    expect(taken(order)).toEqual(['a1', 'b1', 'a4']);
  });

  it('is of one user: a project of the same name is another', () => {
    const order = new DispatchOrder();
    push(order, 'a', 1, shared);
    push(order, 'b', 1, shared);
    expect(taken(order)).toEqual(['a1', 'b1']);
  });

  it('goes to the next one when the one in front is withdrawn', () => {
    const order = new DispatchOrder();
    order.push(execution('a1', reader));
    order.next();
    order.push(execution('a2', shared));
    order.push(execution('a3', reader));
    expect(order.remove('a2')).toBe(true);
    expect(order.remove('a2')).toBe(false);
    expect(order.waiting.interactive).toBe(1);
    expect(taken(order)).toEqual(['a3']);
  });
});

describe('batches', () => {
  it('wait for everything interactive that can run, of any user', () => {
    const order = new DispatchOrder();
    push(order, 'a', 2, batch);
    push(order, 'b', 2);
    expect(taken(order)).toEqual(['b1', 'b2', 'a1', 'a2']);
  });

  it('run when what is interactive cannot', () => {
    const order = new DispatchOrder();
    push(order, 'a', 2, shared);
    order.push(execution('a3', batch));
    expect(taken(order)).toEqual(['a1', 'a3']);
  });

  it('do not enter a workspace for which somebody waits', () => {
    const order = new DispatchOrder();
    order.push(execution('a1', { ...reader, ...batch }));
    const reading = order.next();
    order.push(execution('a2', { ...reader, ...batch }));
    order.push(execution('a3', shared));
    expect(order.next()).toBeUndefined();
    order.leave(reading!);
    expect(order.next()?.executionId).toBe('a3');
  });

  it('go on where an interactive one came between', () => {
    const order = new DispatchOrder();
    order.push(execution('a1', { ...shared, ...batch }));
    for (let n = 2; n < 100; n += 1) {
      order.push(execution(`a${n}`, shared));
      const next = order.next();
      expect(next?.executionId).toBe(`a${n}`);
      order.leave(next!);
    }
    expect(taken(order)).toEqual(['a1']);
  });
});

/** What may happen to a queue, and a plain account of what it must then do. */
type Step = { push: Waiting } | { end: number } | { withdraw: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        push: fc.record({
          executionId: fc.constant(''),
          userId: fc.constantFrom('a', 'b', 'c'),
          projectId: fc.constantFrom('p', 'q'),
          access: fc.constantFrom('read-only' as const, 'read-write' as const),
          priority: fc.constantFrom(...PRIORITIES),
        }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ end: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ withdraw: fc.nat(20) }) },
  ),
  { maxLength: 80 },
);

const turnOf = ({ priority, userId }: Waiting) => `${priority} of ${userId}`;

class Account {
  readonly order: DispatchOrder;
  waiting: Waiting[] = [];
  running: Waiting[] = [];
  readonly ran: string[] = [];
  /** For each user and priority that could have run and did not since: the users who did. */
  private readonly passedBy = new Map<string, Set<string>>();

  constructor(
    private readonly places: number,
    private readonly userMax: number,
  ) {
    this.order = new DispatchOrder(userMax);
  }

  /** Those that may run now, worked out from the rule itself. */
  get able(): Waiting[] {
    return this.waiting.filter((one, index) => {
      const ofUser = this.running.filter(({ userId }) => userId === one.userId);
      if (this.userMax > 0 && ofUser.length >= this.userMax) return false;
      const here = (other: Waiting) => other.userId === one.userId && other.projectId === one.projectId;
      const inFront = this.waiting.filter(
        (other, place) =>
          here(other) &&
          (other.priority === one.priority
            ? place < index
            : other.priority === 'interactive' && one.priority === 'batch'),
      );
      const inside = this.running.filter(here);
      const compatible =
        one.access === 'read-only'
          ? inside.every(({ access }) => access === 'read-only')
          : inside.length === 0;
      return inFront.length === 0 && compatible;
    });
  }

  do(step: Step): void {
    if ('push' in step) {
      const waiting = { ...step.push, executionId: String((count += 1)) };
      this.waiting.push(waiting);
      this.order.push(waiting);
    } else if ('end' in step) {
      const [ended] = this.running.splice(step.end, 1);
      if (ended !== undefined) this.order.leave(ended);
    } else {
      const [withdrawn] = this.waiting.splice(step.withdraw, 1);
      if (withdrawn !== undefined) expect(this.order.remove(withdrawn.executionId)).toBe(true);
    }
    this.forgetUnable();
    while (this.running.length < this.places && this.dispatch());
    for (const priority of PRIORITIES)
      expect(this.order.waiting[priority]).toBe(
        this.waiting.filter((one) => one.priority === priority).length,
      );
  }

  private dispatch(): boolean {
    const { able } = this;
    const next = this.order.next();
    // Work-conserving: whenever one can run and there is a place, one does.
    if (next === undefined) {
      expect(able).toEqual([]);
      return false;
    }
    // One writer, readers beside each other, first come first served in a workspace, batches last.
    expect(able.map(({ executionId }) => executionId)).toContain(next.executionId);
    if (next.priority === 'batch') expect(able.every(({ priority }) => priority === 'batch')).toBe(true);
    this.countTurns(next, able);
    this.waiting = this.waiting.filter(({ executionId }) => executionId !== next.executionId);
    this.running.push(next);
    this.ran.push(next.executionId);
    this.forgetUnable();
    return true;
  }

  /** Nobody who could run all the time is passed twice by the same user. */
  private countTurns(next: Waiting, able: Waiting[]): void {
    this.passedBy.delete(turnOf(next));
    for (const turn of new Set(able.filter(({ priority }) => priority === next.priority).map(turnOf))) {
      if (turn === turnOf(next)) continue;
      const passedBy = this.passedBy.get(turn) ?? new Set();
      expect([...passedBy]).not.toContain(next.userId);
      this.passedBy.set(turn, passedBy.add(next.userId));
    }
  }

  private forgetUnable(): void {
    const able = new Set(this.able.map(turnOf));
    for (const turn of this.passedBy.keys()) if (!able.has(turn)) this.passedBy.delete(turn);
  }
}

describe('a workspace', () => {
  it('has a writer from its acceptance to its end, or until it is withdrawn', () => {
    const order = new DispatchOrder();
    const has = (userId = 'a') => order.hasWriter({ userId, projectId: 'shared' });
    order.push(execution('a1', reader));
    expect(has()).toBe(false);
    order.push(execution('a2', shared));
    order.push(execution('a3', shared));
    expect([has(), has('b')]).toEqual([true, false]);
    order.remove('a3');
    const first = order.next();
    order.leave(first!);
    const second = order.next();
    expect([second?.executionId, has()]).toEqual(['a2', true]);
    order.leave(second!);
    expect(has()).toBe(false);
  });
});

describe('whatever comes, ends and is withdrawn in whatever order', () => {
  it('each workspace keeps its one writer, no user has too many, no place stays empty, users take turns and batches come last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(3), steps, (places, userMax, all) => {
        const account = new Account(places, userMax);
        for (const step of all) account.do(step);
        // Nobody starves: when what runs ends, everything has its turn, each once.
        const left = account.waiting.map(({ executionId }) => executionId);
        while (account.running.length > 0) account.do({ end: 0 });
        expect(account.waiting).toEqual([]);
        expect(account.ran).toEqual(expect.arrayContaining(left));
        expect(new Set(account.ran).size).toBe(account.ran.length);
      }),
      { numRuns: 500 },
    );
  });
});
