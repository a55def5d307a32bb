/** The queue of many processes: BullMQ says who is next, the database who may, and whatever Redis loses is offered again. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Job, type JobsOptions, Queue, Worker } from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../../config/config.js';
import { Database } from '../../persistence/database.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import { DomainEvents } from '../domain-events.js';
import { ExecutionQueue } from '../execution-queue.js';
import { ExecutionStore } from '../execution-store.js';
import type { Priority, Waiting } from '../waiting.js';
import { hasWriter, type Line, RANK_MAX, type Ready, ready, waitingLines } from './line.js';
import { WarmBoard } from './warm-board.js';

const NAME = 'executions';
const PREFIX = 'caisson';
/** Lines that a sweep looks at in one step. */
const PAGE = 500;
/** Milliseconds between two looks at how many wait: QUEUE_MAX is exact for one process and late by this for the others. */
const COUNT_EVERY = 1000;
/** Milliseconds between two searches for what nobody has been told of; a worker that is lost has its own search. */
const SWEEP_EVERY = 15_000;
/** Says that somebody has just searched; a little shorter, so that the timers of all do not miss each other. */
const SWEPT = 'caisson:swept';
const SWEEP_SLACK = 1000;
/** More than anybody has workers at once; those that are gone are forgotten with the others. */
const PROCESSES_KEPT = 1000;
/** Milliseconds before Redis is asked again that was away. */
const RETRY_MS = 500;
/** A worker's connection waits for the next offer, and for Redis. */
const WAITS = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  commandTimeout: undefined,
  socketTimeout: undefined,
  autoResendUnfulfilledCommands: true,
} as const satisfies RedisOptions;
/** Behind every interactive one; BullMQ takes priorities up to 2^21. */
const BEHIND = { interactive: 0, batch: RANK_MAX } as const satisfies Record<Priority, number>;

/**
 * A job is an offer, no more: its id is the execution's, it is made when the execution may begin, and a worker takes it when
 * it has a place, drops it, and claims the row. One whose claim is refused came too early, or twice; whoever ends, or leaves
 * a line, offers what is next in it. So Redis may repeat, lose or mix up what it likes, and no job outlives its worker.
 */
@Injectable()
export class SharedQueue extends ExecutionQueue implements OnApplicationBootstrap {
  private readonly logger = new Logger('Queue');
  private readonly redis: Redis;
  private readonly jobs: Queue<Line>;
  /** Of those that have something warm, by their process. */
  private readonly ofProcesses = new Map<string, Queue<Line>>();
  private readonly workers: Worker<Line>[] = [];
  private counts: Record<Priority, number> = { interactive: 0, batch: 0 };
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly underWay = new Set<Promise<void>>();
  /** Lines, or users, whose next ones are being offered; `again` when something of them has changed meanwhile. */
  private readonly waking = new Map<string, { again: boolean; done: Promise<void> }>();
  private readonly taking: Promise<void>[] = [];
  private sweeping?: Promise<void>;
  private stopping = false;

  constructor(
    private readonly connections: RedisConnections,
    private readonly warm: WarmBoard,
    private readonly store: ExecutionStore,
    private readonly database: Database,
    private readonly config: Config,
    events: DomainEvents,
  ) {
    super();
    this.redis = connections.open('queue');
    this.jobs = new Queue<Line>(NAME, { connection: this.redis, prefix: PREFIX });
    this.jobs.on('error', (error) => this.logger.debug({ msg: 'the queue has lost Redis', err: error }));
    events.on('execution.settled', ({ data: { execution } }) => this.wake(execution));
  }

  get waiting(): Readonly<Record<Priority, number>> {
    return this.counts;
  }

  get reachable(): boolean {
    return this.redis.status === 'ready';
  }

  get running(): number {
    return this.underWay.size;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.connections.ready(this.redis);
    this.timers.push(
      setInterval(() => void this.count(), COUNT_EVERY),
      setInterval(() => void this.sweep(), SWEEP_EVERY),
    );
    // Whatever was lost with it is offered as soon as it is back.
    this.redis.on('ready', () => void this.sweep());
    void this.sweep();
  }

  offer(waiting: Waiting): void {
    this.counts[waiting.priority] += 1;
    this.wake(waiting);
  }

  /** It waits in the database: ended there it is not claimed, and its job is dropped. */
  withdraw(): boolean {
    return false;
  }

  hasWriter(workspace: Line): Promise<boolean> {
    return hasWriter(this.database, workspace);
  }

  start(run: (executionId: string) => Promise<void>): void {
    for (const name of [NAME, nameOf(this.warm.self)]) {
      const worker = new Worker<Line>(name, null, {
        connection: this.connections.open('worker', WAITS),
        prefix: PREFIX,
        autorun: false,
      });
      worker.on('error', (error) => this.logger.debug({ msg: 'a worker has lost Redis', err: error }));
      this.workers.push(worker);
      this.taking.push(this.take(worker, run));
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.workers.map((worker) => worker.close()));
    await Promise.all(this.taking);
    await Promise.all(this.underWay);
    while (this.waking.size > 0) await Promise.all([...this.waking.values()].map(({ done }) => done));
    await this.sweeping;
    await Promise.all([this.jobs.close(), ...[...this.ofProcesses.values()].map((jobs) => jobs.close())]);
  }

  /** Takes one after the other while there is a place; never rejects. */
  private async take(worker: Worker<Line>, run: (executionId: string) => Promise<void>): Promise<void> {
    const token = uuidv7();
    const isOver = () => this.stopping;
    while (!isOver()) {
      await this.place();
      const job = await this.next(worker, token);
      if (job?.id === undefined) continue;
      if (isOver()) return this.wake(job.data); // it is offered to the others again
      await this.place(); // the other way to work may have taken it
      const done = run(job.id).finally(() => {
        this.underWay.delete(done);
        this.wake(job.data);
      });
      this.underWay.add(done);
    }
  }

  private async place(): Promise<void> {
    while (this.underWay.size >= this.config.values.CLAUDE_CODE_MAX_CONCURRENT)
      await Promise.race(this.underWay);
  }

  /** The next offer, which is nobody's any more; undefined when there was none for some seconds, or Redis is away. */
  private async next(worker: Worker<Line>, token: string): Promise<Job<Line> | undefined> {
    try {
      // Its type hides that there may be none.
      const job = (await worker.getNextJob(token)) as Job<Line> | undefined;
      await job?.moveToCompleted(undefined, token, false);
      return job;
    } catch (error) {
      if (!this.stopping) this.logger.debug({ msg: 'no offer could be taken', err: error });
      await delay(RETRY_MS);
      return undefined;
    }
  }

  /**
   * Offers those that may begin now in a line; or, where a user may have only so many, in all lines of the user: any of them
   * may take the place. Many changes at once (a batch comes, or ends) cost two looks.
   */
  private wake(line: Line): void {
    const key = this.userMax > 0 ? line.userId : `${line.userId}/${line.projectId}`;
    const underWay = this.waking.get(key);
    if (underWay !== undefined) underWay.again = true;
    else this.waking.set(key, { again: false, done: this.offerNext(key, line) });
  }

  /** Never rejects. */
  private async offerNext(key: string, line: Line): Promise<void> {
    try {
      const lines = this.userMax > 0 ? await waitingLines(this.database, { of: line.userId }) : [line];
      await this.add(await ready(this.database, lines, this.userMax));
    } catch (error) {
      this.logger.warn({ msg: 'not offered; the next sweep does it', err: error });
    }
    const isDue = this.waking.get(key)?.again === true;
    this.waking.delete(key);
    if (isDue) this.wake(line);
  }

  /** To everybody; and first to the one who has the workspace warm: the others see it a little later. */
  private async add(found: readonly Ready[]): Promise<void> {
    if (found.length === 0) return;
    const delay = this.config.values.WARM_PREFERENCE_MS;
    const holders = await this.warm.holders(found.map(({ workspaceId }) => workspaceId ?? ''));
    for (const [index, one] of found.entries()) {
      const holder = holders[index];
      if (typeof holder === 'string')
        await this.queueOf(holder).add(one.priority, lineOf(one), optionsOf(one));
    }
    await this.jobs.addBulk(
      found.map((one, index) => ({
        name: one.priority,
        data: lineOf(one),
        opts: { ...optionsOf(one), ...(typeof holders[index] === 'string' && { delay }) },
      })),
    );
  }

  private get userMax(): number {
    return this.config.values.USER_MAX_CONCURRENT;
  }

  private queueOf(processId: string): Queue<Line> {
    const known = this.ofProcesses.get(processId);
    if (known !== undefined) return known;
    if (this.ofProcesses.size >= PROCESSES_KEPT) this.ofProcesses.clear();
    const made = new Queue<Line>(nameOf(processId), { connection: this.redis, prefix: PREFIX });
    made.on('error', (error) => this.logger.debug({ msg: 'the queue has lost Redis', err: error }));
    this.ofProcesses.set(processId, made);
    return made;
  }

  /** Offers all that may begin and may be unknown to Redis. One process does it for all; it never rejects. */
  private sweep(): Promise<void> {
    this.sweeping ??= this.offerAll()
      .catch((error: unknown) =>
        this.logger.warn({ msg: 'the sweep stopped; the next one goes on', err: error }),
      )
      .finally(() => (this.sweeping = undefined));
    return this.sweeping;
  }

  private async offerAll(): Promise<void> {
    // Gone with whatever else Redis has lost: then it is time again.
    const isMine = await this.redis.set(SWEPT, '1', 'PX', SWEEP_EVERY - SWEEP_SLACK, 'NX');
    if (isMine === null) return;
    for (let after: Line | undefined; ;) {
      const lines = await waitingLines(this.database, { after, limit: PAGE });
      await this.add(await ready(this.database, lines, this.userMax));
      if (lines.length < PAGE) return;
      after = lines.at(-1);
    }
  }

  private async count(): Promise<void> {
    try {
      this.counts = await this.store.waiting();
    } catch (error) {
      this.logger.debug({ msg: 'cannot count who waits', err: error });
    }
  }
}

const nameOf = (processId: string): string => `${NAME}-${processId}`;

const lineOf = ({ userId, projectId }: Line): Line => ({ userId, projectId });

/** One that is there already is left as it is. */
const optionsOf = ({ executionId, priority, rank }: Ready): JobsOptions => ({
  jobId: executionId,
  priority: rank + BEHIND[priority],
  removeOnComplete: true,
  removeOnFail: true,
});
