import { type WarmLimits, type WarmPlace, WarmPool, type WarmSource } from './warm-pool.js';

interface Desk {
  id: string;
}

class Seat implements WarmPlace {
  private readonly leaving = new AbortController();
  closed = 0;
  outdated = false;

  constructor(
    readonly desk: string,
    readonly key: string,
    private readonly bytes: () => number,
  ) {}

  get gone() {
    return this.leaving.signal;
  }
  async memoryBytes() {
    return Promise.resolve(this.bytes());
  }
  close() {
    this.closed += 1;
    this.leaving.abort();
    return Promise.resolve();
  }
  die() {
    this.leaving.abort();
  }
}

/** A pool over seats that start when the test says so, on a clock that the test moves. */
class Ground implements WarmSource<Desk, string, Seat> {
  now = 0;
  isCalm = true;
  /** Starts that the machine has room for. */
  atOnce = 1;
  isPressed = false;
  /** With more places than these the machine has little memory left. */
  pressedAbove = Number.POSITIVE_INFINITY;
  /** Called when a place is asked what it holds. */
  look = (): void => undefined;
  bytes = 100;
  readonly started: Seat[] = [];
  readonly starting: string[] = [];
  readonly offered = new Map<string, () => void>();
  readonly pool: WarmPool<Desk, string, Seat>;
  /** Starts wait for it. */
  hold: Promise<void> = Promise.resolve();
  failure?: Error;
  /** Only in these nothing starts. */
  readonly broken = new Set<string>();
  private reserved = 0;

  constructor(limits: Partial<WarmLimits> = {}) {
    const all = { size: 3, spares: 0, idleMs: 1000, memoryBytes: 10_000, ...limits };
    this.pool = new WarmPool(this, all, () => this.now);
  }

  async start(desk: Desk, key: string): Promise<Seat> {
    this.starting.push(desk.id);
    await this.hold;
    if (this.failure !== undefined) throw this.failure;
    if (this.broken.has(desk.id)) throw new Error('broken');
    const seat = new Seat(desk.id, key, () => {
      this.look();
      return this.bytes;
    });
    this.started.push(seat);
    return seat;
  }
  reserve() {
    this.reserved += 1;
    return Promise.resolve({ workspace: { id: `spare-${this.reserved}` }, key: 'spare' });
  }
  offer(desk: Desk, taken: () => void) {
    this.offered.set(desk.id, taken);
  }
  withdraw({ id }: Desk) {
    return this.offered.delete(id);
  }
  calm(starting: number) {
    return this.isCalm && starting < this.atOnce;
  }
  pressed() {
    return this.isPressed || this.desks().length > this.pressedAbove;
  }

  /** Somebody is given the first spare. */
  adopt(): string {
    const [[id, taken] = ['', () => undefined]] = this.offered;
    this.offered.delete(id);
    taken();
    return id;
  }
  want(id: string, key = 'k') {
    this.now += 1;
    return this.pool.want({ id }, key);
  }
  claim(id: string) {
    return this.pool.claim({ id });
  }
  desks() {
    return this.started.filter(({ closed, gone }) => closed === 0 && !gone.aborted).map(({ desk }) => desk);
  }
}

/** Lets everything go on that waits for nothing. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function warmed(ground: Ground, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    ground.want(id);
    await settled();
  }
}

describe('WarmPool', () => {
  it('has a place for a workspace that was wanted, gives it away once, and starts the next when it is wanted again', async () => {
    const ground = new Ground();
    expect(ground.claim('a')).toBe('unknown');
    expect(ground.want('a')).toBe('starting');
    await settled();
    const place = ground.claim('a');
    expect(place).toBe(ground.started[0]);
    expect(ground.claim('a')).toBe('starting');
    ground.want('a', 'another key');
    await settled();
    expect(ground.claim('a')).toMatchObject({ desk: 'a', key: 'another key' });
    expect(ground.started[0]?.closed).toBe(0);
  });

  it('lets the least recently used go when there are too many', async () => {
    const ground = new Ground({ size: 2 });
    await warmed(ground, 'a', 'b', 'a', 'c');
    expect(ground.desks().sort()).toEqual(['a', 'c']);
    expect(ground.claim('b')).toBe('unknown');
  });

  it('starts one after another, the most recently used first', async () => {
    const ground = new Ground();
    const gate = Promise.withResolvers<void>();
    ground.hold = gate.promise;
    await warmed(ground, 'a', 'b', 'c');
    expect(ground.starting).toEqual(['a']);
    gate.resolve();
    await settled();
    expect(ground.starting).toEqual(['a', 'c', 'b']);
  });

  it('starts as many at once as the source allows, each workspace once, and never more than fit', async () => {
    const ground = new Ground({ size: 3 });
    ground.atOnce = 2;
    const gate = Promise.withResolvers<void>();
    ground.hold = gate.promise;
    await warmed(ground, 'a', 'b', 'c', 'b');
    expect(ground.starting).toEqual(['a', 'b']);
    ground.atOnce = 9;
    await warmed(ground, 'd');
    expect(ground.starting).toEqual(['a', 'b', 'd']);
    gate.resolve();
    await settled();
    expect(ground.pool.ready).toBe(3);
    expect(ground.desks().sort()).toEqual(['b', 'c', 'd']);
  });

  it('starts the others while one takes long', async () => {
    const ground = new Ground();
    ground.atOnce = 2;
    const slow = Promise.withResolvers<void>();
    ground.hold = slow.promise;
    await warmed(ground, 'a');
    ground.hold = Promise.resolve();
    await warmed(ground, 'b', 'c');
    expect(ground.desks().sort()).toEqual(['b', 'c']);
    slow.resolve();
    await settled();
    expect(ground.desks().sort()).toEqual(['a', 'b', 'c']);
  });

  it('holds no more memory than it may with what is coming up', async () => {
    const ground = new Ground({ memoryBytes: 250 });
    ground.atOnce = 3;
    await warmed(ground, 'a');
    const gate = Promise.withResolvers<void>();
    ground.hold = gate.promise;
    await warmed(ground, 'b', 'c');
    expect(ground.desks()).toEqual([]); // "a" was let go, although "b" and "c" hold nothing yet
    gate.resolve();
    await settled();
    expect(ground.desks().sort()).toEqual(['b', 'c']);
  });

  it('starts nothing while others are being started, and goes on afterwards', async () => {
    const ground = new Ground();
    ground.isCalm = false;
    await warmed(ground, 'a');
    expect(ground.starting).toEqual([]);
    ground.isCalm = true;
    ground.pool.pump();
    await settled();
    expect(ground.desks()).toEqual(['a']);
  });

  it('replaces a place that died while it waited, and never gives it away', async () => {
    const ground = new Ground();
    await warmed(ground, 'a');
    ground.now += 2000;
    ground.isCalm = false;
    ground.started[0]?.die();
    expect(ground.claim('a')).toBe('died');
    ground.isCalm = true;
    ground.pool.pump();
    await settled();
    expect(ground.claim('a')).toBe(ground.started[1]);
  });

  it('tries a start that failed again, but not at once', async () => {
    const ground = new Ground();
    ground.failure = new Error('no');
    await warmed(ground, 'a');
    ground.failure = undefined;
    await ground.pool.tend();
    expect(ground.starting).toEqual(['a']);
    ground.now += 6000;
    ground.want('a');
    await settled();
    expect(ground.desks()).toEqual(['a']);
  });

  it('waits longer with each failure, for the workspace that fails alone', async () => {
    const ground = new Ground();
    ground.broken.add('a');
    await warmed(ground, 'a', 'b');
    expect(ground.desks()).toEqual(['b']);
    for (const [after, tries] of [
      [5000, 2],
      [5000, 2],
      [5000, 3],
    ] as const) {
      ground.now += after;
      ground.pool.pump();
      await settled();
      expect(ground.starting.filter((desk) => desk === 'a')).toHaveLength(tries);
    }
  });

  it('does not start again and again what dies as soon as it is ready', async () => {
    const ground = new Ground();
    await warmed(ground, 'a');
    ground.started[0]?.die();
    await settled();
    expect(ground.starting).toEqual(['a']);
    ground.now += 5000;
    ground.pool.pump();
    await settled();
    expect(ground.desks()).toEqual(['a']);
  });

  it('never keeps a place that was forgotten, or died, while it was looked at for the first time', async () => {
    const ground = new Ground();
    ground.look = () => ground.pool.forget({ id: 'a' });
    await warmed(ground, 'a');
    expect([ground.started[0]?.closed, ground.pool.ready]).toEqual([1, 0]);
    ground.look = () => ground.started[1]?.die();
    await warmed(ground, 'b');
    expect([ground.started[1]?.closed, ground.pool.ready]).toEqual([1, 0]);
  });

  it('closes what it cannot measure', async () => {
    const ground = new Ground();
    ground.look = () => {
      throw new Error('no descriptor left');
    };
    await warmed(ground, 'a');
    expect([ground.started[0]?.closed, ground.pool.ready]).toEqual([1, 0]);
  });

  it('replaces what is outdated before anybody asks for it', async () => {
    const ground = new Ground({ spares: 1 });
    await warmed(ground, 'a');
    for (const seat of ground.started) seat.outdated = true;
    await ground.pool.tend();
    await settled();
    expect(ground.started.map(({ closed }) => closed)).toEqual([1, 1, 0, 0]);
    expect(ground.desks().sort()).toEqual(['a', 'spare-2']);
  });

  it('no longer keeps warm what it was told to forget', async () => {
    const ground = new Ground();
    await warmed(ground, 'a', 'b');
    ground.pool.forget({ id: 'a' });
    expect(ground.claim('a')).toBe('unknown');
    await settled();
    expect(ground.desks()).toEqual(['b']);
  });

  it('no longer keeps warm what was not used for long', async () => {
    const ground = new Ground();
    await warmed(ground, 'a');
    ground.now += 900;
    await warmed(ground, 'b');
    ground.now += 200;
    await ground.pool.tend();
    expect(ground.desks()).toEqual(['b']);
  });

  it('holds no more memory than it may, as measured', async () => {
    const ground = new Ground({ memoryBytes: 250 });
    await warmed(ground, 'a', 'b', 'c');
    expect(ground.desks()).toEqual(['b', 'c']);
    ground.bytes = 200;
    await ground.pool.tend();
    expect(ground.desks()).toEqual(['c']);
    expect(ground.pool.memoryBytes).toBe(200);
  });

  it('shrinks while the machine has little memory left, and starts nothing', async () => {
    const ground = new Ground();
    await warmed(ground, 'a', 'b');
    ground.isPressed = true;
    await ground.pool.tend();
    expect(ground.desks()).toEqual([]);
    ground.want('c');
    await settled();
    expect(ground.starting).toEqual(['a', 'b']);
  });

  it('gives memory back when it is asked to, no more than it takes, and at once', async () => {
    const ground = new Ground();
    await warmed(ground, 'a', 'b', 'c');
    ground.pressedAbove = 2;
    await Promise.all([ground.pool.relieve(), ground.pool.relieve()]);
    expect(ground.desks()).toEqual(['b', 'c']);
  });

  describe('with spares', () => {
    it('starts what is wanted although no spare comes up, and tries spares later and later', async () => {
      const ground = new Ground({ spares: 1 });
      for (const id of ['spare-1', 'spare-2']) ground.broken.add(id);
      await warmed(ground, 'a');
      expect(ground.starting).toEqual(['spare-1', 'a']);
      expect(ground.desks()).toEqual(['a']);
      ground.now += 5000;
      ground.pool.pump();
      await settled();
      expect(ground.starting).toEqual(['spare-1', 'a', 'spare-2']);
      await warmed(ground, 'b');
      expect(ground.starting).toEqual(['spare-1', 'a', 'spare-2', 'b']);
      ground.now += 10_000;
      ground.pool.pump();
      await settled();
      expect([...ground.offered.keys()]).toEqual(['spare-3']);
    });

    it.each([
      ['there are no more', () => Promise.resolve(undefined)],
      ['the database refuses', () => Promise.reject(new Error('busy'))],
    ])('starts what is wanted although %s', async (_, reserve) => {
      const ground = new Ground({ spares: 1 });
      jest.spyOn(ground, 'reserve').mockImplementation(reserve as unknown as Ground['reserve']);
      await warmed(ground, 'a');
      expect(ground.desks()).toEqual(['a']);
    });

    it('leaves one alone that is being given away, also under pressure', async () => {
      const ground = new Ground({ spares: 1 });
      ground.pool.pump();
      await settled();
      const [[id, taken] = ['', () => undefined]] = ground.offered;
      ground.offered.delete(id);
      ground.isPressed = true;
      await ground.pool.tend();
      taken();
      expect(ground.claim(id)).toMatchObject({ desk: 'spare-1', closed: 0 });
    });

    it('has one ready before anything is asked for, and another when it was given away', async () => {
      const ground = new Ground({ spares: 1 });
      ground.pool.pump();
      await settled();
      expect(ground.desks()).toEqual(['spare-1']);
      const id = ground.adopt();
      expect(ground.claim(id)).toMatchObject({ desk: 'spare-1' });
      await settled();
      expect([...ground.offered.keys()]).toEqual(['spare-2']);
    });

    it('withdraws the offer of one that died', async () => {
      const ground = new Ground({ spares: 1 });
      ground.pool.pump();
      await settled();
      ground.now += 2000;
      ground.started[0]?.die();
      await settled();
      expect([...ground.offered.keys()]).toEqual(['spare-2']);
    });

    it('lets them go last of all under pressure', async () => {
      const ground = new Ground({ spares: 1, size: 3 });
      ground.pool.pump();
      await settled();
      await warmed(ground, 'a', 'b');
      ground.bytes = 4000;
      await ground.pool.tend();
      expect(ground.desks().sort()).toEqual(['b', 'spare-1']);
    });
  });

  it('ends everything, also what is just starting', async () => {
    const ground = new Ground();
    await warmed(ground, 'a');
    const gate = Promise.withResolvers<void>();
    ground.hold = gate.promise;
    ground.want('b');
    await settled();
    const closing = ground.pool.close();
    gate.resolve();
    await closing;
    expect(ground.started.map(({ closed }) => closed)).toEqual([1, 1]);
    ground.want('c');
    await settled();
    expect(ground.starting).toEqual(['a', 'b']);
  });
});
