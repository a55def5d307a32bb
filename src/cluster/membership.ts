/** This process as the others know it: it says that it is there, and learns when it was given up for lost. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import Emittery from 'emittery';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../config/config.js';
import { Database } from '../persistence/database.js';
import { NOW } from '../persistence/postgres/sql.js';

/** Signs of life within the time after which a process is given up: one or two may come late. */
export const BEATS_PER_LEASE = 5;

@Injectable()
export class Membership implements OnModuleInit, OnApplicationShutdown {
  /** `lost`: the others end what ran here, or will before long; nothing of it may go on. `beat`: the database has answered. */
  readonly events = new Emittery<{ lost: { reason: string }; beat: { id: string } }>();
  private readonly logger = new Logger('Cluster');
  private member?: string;
  private timer?: NodeJS.Timeout;
  private beating?: Promise<void>;
  /** By the monotonic clock: a process that was stopped, or cut off, has to find out by itself. */
  private seenAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** Undefined before the first sign of life, and from being lost until the next one. */
  get id(): string | undefined {
    return this.expired ? undefined : this.member;
  }

  /** Before the queue is asked for anything. */
  async onModuleInit(): Promise<void> {
    if (!this.config.shared) return;
    await this.beat();
    this.timer = setInterval(() => void this.beat(), this.lease / BEATS_PER_LEASE);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    if (this.member === undefined) return;
    // So that nobody waits for it; what it could not end is taken up at once.
    await this.database
      .updateTable('processes')
      .set({ lostAt: NOW })
      .where('id', '=', this.member)
      .execute()
      .catch((error: unknown) => this.logger.warn({ msg: 'the others will miss this process', err: error }));
  }

  private get lease(): number {
    return this.config.values.PROCESS_LEASE_MS;
  }

  private get expired(): boolean {
    return performance.now() - this.seenAt > this.lease;
  }

  private beat(): Promise<void> {
    // What held the process up (a SIGSTOP) held up its clock's timers, not the clock.
    if (this.member !== undefined && this.expired) this.lose('it could not say that it was there');
    this.beating ??= this.sayHere().finally(() => (this.beating = undefined));
    return this.beating;
  }

  private async sayHere(): Promise<void> {
    // Counted from before it was asked: the database may have answered for longer than it seems.
    let begun = performance.now();
    try {
      if (this.member !== undefined && !(await this.renew(this.member))) this.lose('the others gave it up');
      // Also when it was lost while the database kept silent.
      if (this.member === undefined) {
        begun = performance.now();
        this.member = await this.join();
      }
      this.seenAt = begun;
      await this.events.emit('beat', { id: this.member });
    } catch (error) {
      this.logger.warn({ msg: 'the database does not hear that this process is there', err: error });
    }
  }

  private async renew(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.database
      .updateTable('processes')
      .set({ seenAt: NOW })
      .where('id', '=', id)
      .where('lostAt', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  private async join(): Promise<string> {
    const id = uuidv7();
    await this.database.insertInto('processes').values({ id, startedAt: NOW, seenAt: NOW }).execute();
    return id;
  }

  private lose(reason: string): void {
    if (this.member === undefined) return;
    this.logger.error(`process ${this.member} is lost: ${reason}`);
    this.member = undefined;
    void this.events.emit('lost', { reason });
  }
}
