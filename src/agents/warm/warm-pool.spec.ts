import { type WarmLimits, type WarmPlace, WarmPool, type WarmSource } from './warm-pool.js';

interface Desk {
  id: string;
}

class Seat implements WarmPlace {
  private readonly leaving = new AbortController();
  closed = 0;

  constructor(
    readonly desk: string,
    readonly key: string,
    private readonly bytes: () => number,
  ) {}

  get gone() {
    return this.leaving.signal;
  }
  memoryBytes() {
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
  isPressed = false;
  bytes = 100;
  readonly started: Seat[] = [];
  readonly starting: string[] = [];
  readonly offered = new Map<string, () => void>();
  readonly pool: WarmPool<Desk, string, Seat>;
  /** Starts wait for it. */
  hold: Promise<void> = Promise.resolve();
  failure?: Error;
  private reserved = 0;

  constructor(limits: Partial<WarmLimits> = {}) {
    const all = { size: 3, spares: 0, idleMs: 1000, memoryBytes: 10_000, ...limits };
    this.pool = new WarmPool(this, all, () => this.now);
  }

  async start(desk: Desk, key: string): Promise<Seat> {
    this.starting.push(desk.id);
    await this.hold;
    if (this.failure !== undefined) throw this.failure;
    const seat = new Seat(desk.id, key, () => this.bytes);
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
  calm() {
    return this.isCalm;
  }
  pressed() {
    return this.isPressed;
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

  describe('with spares', () => {
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
    const closing = ground.pool.close();
    gate.resolve();
    await closing;
    expect(ground.started.map(({ closed }) => closed)).toEqual([1, 1]);
    ground.want('c');
    await settled();
    expect(ground.starting).toEqual(['a', 'b']);
  });
});
