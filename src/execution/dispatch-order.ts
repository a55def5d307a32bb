/** Which waiting execution runs next: one writer at a time in a workspace, users in turn and so many of each, batches last. */
import Queue from 'yocto-queue';
import { UserRounds } from './user-rounds.js';
import { PRIORITIES, type Priority, type Waiting } from './waiting.js';

interface Entry extends Waiting {
  arrival: number;
  line: Line;
  withdrawn: boolean;
  /** Stands in the rounds of its priority. */
  listed: boolean;
}

/** Those who wait for one workspace, and those who are in it. */
interface Line {
  workspace: string;
  waiting: Record<Priority, Queue<Entry>>;
  readers: number;
  writing: boolean;
  /** Those that write, waiting or in it. */
  writers: number;
  /** The one of those waiting that may run now. */
  ready: Entry | undefined;
}

/**
 * A workspace is a reader–writer lock whose line is first come, first served within a priority. So a writer waits for the
 * readers before it and not for those after it, a reader likewise, and neither can starve the other. Those who cannot run
 * stand in their workspace's line and nowhere else: they take no place, and nobody who can run waits behind them.
 * While an interactive one waits for a workspace, no batch item enters that workspace: it would only wait longer.
 *
 * Every step costs O(log n) of what one user has ready, however much waits.
 */
export class DispatchOrder {
  private readonly entries = new Map<string, Entry>();
  private readonly lines = new Map<string, Line>();
  private readonly rounds: Record<Priority, UserRounds<Entry>>;
  /** How many of each user run. */
  private readonly running = new Map<string, number>();
  private readonly counts = { interactive: 0, batch: 0 };
  private arrivals = 0;

  /** @param userMax of one user that run at once; those of a user who has so many hold up nobody; 0 = no limit */
  constructor(private readonly userMax = 0) {
    const mayServe = (userId: string) => !this.isFull(userId);
    this.rounds = { interactive: new UserRounds(mayServe), batch: new UserRounds(mayServe) };
  }

  /** How many wait. */
  get waiting(): Readonly<Record<Priority, number>> {
    return this.counts;
  }

  push(waiting: Waiting): void {
    const line = this.lineOf(waiting);
    const entry = { ...waiting, arrival: (this.arrivals += 1), line, withdrawn: false, listed: false };
    this.entries.set(entry.executionId, entry);
    this.counts[entry.priority] += 1;
    if (entry.access !== 'read-only') line.writers += 1;
    line.waiting[entry.priority].enqueue(entry);
    this.settle(line);
  }

  /** Takes out the next one that may run now, if any; its workspace is taken until `leave`. */
  next(): Waiting | undefined {
    for (const priority of PRIORITIES) {
      const entry = this.rounds[priority].take(isReady);
      if (entry === undefined) continue;
      const { line } = entry;
      line.waiting[priority].dequeue(); // it is the first there: only the first is ever ready
      this.forget(entry);
      if (entry.access === 'read-only') line.readers += 1;
      else line.writing = true;
      this.running.set(entry.userId, this.runningOf(entry.userId) + 1);
      this.settle(line);
      return entry;
    }
    return undefined;
  }

  /** Gives back the workspace, and the place of its user, of one that `next` handed out. */
  leave(ran: Waiting): void {
    const line = this.lineOf(ran);
    if (ran.access === 'read-only') line.readers -= 1;
    else {
      line.writing = false;
      line.writers -= 1;
    }
    this.settle(line);
    this.leaveUser(ran.userId);
  }

  /** Whether one that writes waits for this workspace, or is in it. */
  hasWriter({ userId, projectId }: Pick<Waiting, 'userId' | 'projectId'>): boolean {
    return (this.lines.get(`${userId}/${projectId}`)?.writers ?? 0) > 0;
  }

  /** Takes one out wherever it stands; false when it does not wait here. */
  remove(executionId: string): boolean {
    const entry = this.entries.get(executionId);
    if (entry === undefined) return false;
    entry.withdrawn = true; // it leaves its line when it would be first
    if (entry.access !== 'read-only') entry.line.writers -= 1;
    this.forget(entry);
    this.settle(entry.line);
    return true;
  }

  private runningOf(userId: string): number {
    return this.running.get(userId) ?? 0;
  }

  private isFull(userId: string): boolean {
    return this.userMax > 0 && this.runningOf(userId) >= this.userMax;
  }

  private leaveUser(userId: string): void {
    const left = this.runningOf(userId) - 1;
    if (left > 0) this.running.set(userId, left);
    else this.running.delete(userId);
    for (const priority of PRIORITIES) this.rounds[priority].resume(userId);
  }

  private forget(entry: Entry): void {
    this.entries.delete(entry.executionId);
    this.counts[entry.priority] -= 1;
  }

  private lineOf({ userId, projectId }: Waiting): Line {
    const workspace = `${userId}/${projectId}`;
    const known = this.lines.get(workspace);
    if (known !== undefined) return known;
    const waiting = { interactive: new Queue<Entry>(), batch: new Queue<Entry>() };
    const line = { workspace, waiting, readers: 0, writing: false, writers: 0, ready: undefined };
    this.lines.set(workspace, line);
    return line;
  }

  /** After every change of a line: finds who of it may run now. */
  private settle(line: Line): void {
    const first = firstOf(line.waiting.interactive) ?? firstOf(line.waiting.batch);
    const { readers, writing } = line;
    if (first === undefined && readers === 0 && !writing) this.lines.delete(line.workspace);
    const free = !writing && (readers === 0 || first?.access === 'read-only');
    line.ready = free ? first : undefined;
    if (line.ready === undefined || line.ready.listed) return;
    line.ready.listed = true;
    this.rounds[line.ready.priority].add(line.ready);
  }
}

function isReady(entry: Entry): boolean {
  entry.listed = false;
  return entry.line.ready === entry;
}

function firstOf(queue: Queue<Entry>): Entry | undefined {
  while (queue.peek()?.withdrawn === true) queue.dequeue();
  return queue.peek();
}
