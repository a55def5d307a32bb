/** A feed whose events come from every process: a channel of Redis for each id that has a reader here. */
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { RedisChannels } from '../redis/redis-channels.js';
import { EventFeed } from './event-feed.js';

/** Ids of one question for the newest numbers: the database takes some milliseconds for so many. */
const AT_ONCE = 500;

export class SharedFeed<T extends object> extends EventFeed<T> {
  private readonly logger = new Logger('SharedFeed');
  /** Before each message: what this process has said itself its readers have already. */
  private readonly origin = randomUUID();
  private readonly leave = new Map<string, () => void>();
  /** Ids of which something may have been missed. */
  private readonly due = new Set<string>();
  private looking?: Promise<void>;
  private stopped = false;
  private failing = false;

  /**
   * @param kind before the ids, in the names of the channels
   * @param newest asks the log for the number of the last event of each
   */
  constructor(
    private readonly kind: string,
    private readonly channels: RedisChannels,
    private readonly newest: (ids: string[]) => Promise<{ id: string; lastSeq: number }[]>,
  ) {
    super();
  }

  override publish(id: string, prepare: () => T): void {
    const item = prepare();
    super.publish(id, () => item);
    this.channels.publish(this.channelOf(id), this.origin + JSON.stringify(item));
  }

  /** Looks into the log, and wakes the readers to whom something of it never came. */
  lookAtAll(): void {
    for (const id of this.ids) this.due.add(id);
    this.look();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.looking;
  }

  protected override followed(id: string): void {
    const leave = this.channels.listen(this.channelOf(id), {
      heard: (message) => this.heard(id, message),
      listening: () => {
        this.due.add(id);
        this.look();
      },
    });
    this.leave.set(id, leave);
  }

  protected override deserted(id: string): void {
    this.leave.get(id)?.();
    this.leave.delete(id);
  }

  private heard(id: string, message: string): void {
    if (message.startsWith(this.origin)) return;
    const item = itemOf(message.slice(this.origin.length));
    if (item !== undefined) super.publish(id, () => item as T);
    // Whoever else writes to this channel, the log has what is right.
    else this.logger.warn({ msg: 'what came over Redis is no event', channel: this.channelOf(id) });
  }

  private channelOf(id: string): string {
    return `caisson:${this.kind}:${id}`;
  }

  /** One look at a time; what becomes due meanwhile is in the next. */
  private look(): void {
    if (this.stopped) return;
    this.looking ??= this.lookAtDue().finally(() => (this.looking = undefined));
  }

  private async lookAtDue(): Promise<void> {
    // Not before all that were subscribed to by the same answer are due.
    await Promise.resolve();
    while (this.due.size > 0 && !this.stopped) {
      const ids = [...this.due].slice(0, AT_ONCE);
      for (const id of ids) this.due.delete(id);
      try {
        for (const { id, lastSeq } of await this.newest(ids)) this.stored(id, lastSeq);
        this.failing = false;
      } catch (error) {
        // Said once; all are due again with the next look.
        if (!this.failing) this.logger.warn({ msg: 'the log cannot be looked into for now', err: error });
        this.failing = true;
        return;
      }
    }
  }
}

/** What `publish` made, in this version or another: an object with a number; undefined for anything else. */
function itemOf(json: string): object | undefined {
  try {
    const item: unknown = JSON.parse(json);
    if (typeof item === 'object' && item !== null && 'seq' in item && Number.isSafeInteger(item.seq))
      return item;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}
