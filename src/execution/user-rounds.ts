/** Users take turns: in a round everybody who has something ready is served once, so that no user can starve another. */
import TinyQueue from 'tinyqueue';
import Queue from 'yocto-queue';

interface Item {
  userId: string;
  /** Order of arrival. */
  arrival: number;
}

interface User<T> {
  id: string;
  /** By arrival. */
  ready: TinyQueue<T>;
}

/**
 * Start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996) with equal weights: start times are then only those of this
 * round and of the next one. Whoever comes joins this round, unless it was served in it. Adding and taking cost
 * O(log n) of the items of one user.
 */
export class UserRounds<T extends Item> {
  /** Everybody who stands in one of the two rounds or rests, once. */
  private readonly users = new Map<string, User<T>>();
  private round = new Queue<User<T>>();
  private nextRound = new Queue<User<T>>();
  private readonly served = new Set<string>();
  /** Those whose turn came while they could not be served: they stand in no round. */
  private readonly resting = new Map<string, User<T>>();

  /** @param mayServe false for a user who is passed over until `resume` */
  constructor(private readonly mayServe: (userId: string) => boolean = () => true) {}

  /** Lets a user who could not be served stand in the rounds again. */
  resume(userId: string): void {
    const user = this.resting.get(userId);
    if (user === undefined) return;
    this.resting.delete(userId);
    this.lineUp(user);
  }

  add(item: T): void {
    const known = this.users.get(item.userId);
    if (known !== undefined) return known.ready.push(item);
    const user = { id: item.userId, ready: new TinyQueue([item], byArrival) };
    this.users.set(user.id, user);
    this.lineUp(user);
  }

  /** Takes the next item out. @param isReady tells of an item whether it still is; one that is not costs no turn */
  take(isReady: (item: T) => boolean): T | undefined {
    for (;;) {
      const user = this.round.dequeue() ?? this.beginRound();
      if (user === undefined) return undefined;
      if (!this.mayServe(user.id)) {
        this.resting.set(user.id, user);
        continue;
      }
      const item = first(user.ready, isReady);
      if (item !== undefined) this.served.add(user.id);
      if (user.ready.length > 0) this.lineUp(user);
      else this.users.delete(user.id);
      if (item !== undefined) return item;
    }
  }

  private lineUp(user: User<T>): void {
    (this.served.has(user.id) ? this.nextRound : this.round).enqueue(user);
  }

  private beginRound(): User<T> | undefined {
    [this.round, this.nextRound] = [this.nextRound, this.round];
    this.served.clear();
    return this.round.dequeue();
  }
}

const byArrival = (a: Item, b: Item) => a.arrival - b.arrival;

function first<T>(ready: TinyQueue<T>, isReady: (item: T) => boolean): T | undefined {
  for (let item = ready.pop(); item !== undefined; item = ready.pop()) if (isReady(item)) return item;
  return undefined;
}
