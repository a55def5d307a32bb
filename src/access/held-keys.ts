/** What is open for as long as its key is good: streams and sockets, which nobody asks for their key again. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { Config } from '../config/config.js';
import { chunks } from '../persistence/chunks.js';
import { Database } from '../persistence/database.js';

@Injectable()
export class HeldKeys implements OnModuleInit, OnApplicationShutdown {
  /** Of each key that was revoked through this process: whoever can tell other processes at once does. */
  readonly revocations = new EventEmitter<{ revoked: [keyId: string] }>();
  private readonly logger = new Logger('HeldKeys');
  private readonly held = new Map<string, Set<() => void>>();
  private timer?: NodeJS.Timeout;
  private looking?: Promise<void>;
  private failing = false;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** What another process has revoked is found by a look at the database, whatever else may have told it. */
  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
    }, this.config.values.KEY_LOOK_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** @param end is called once, when the key is revoked. @returns what lets go of the key before */
  hold(keyId: string, end: () => void): () => void {
    const ends = this.held.get(keyId) ?? new Set();
    this.held.set(keyId, ends.add(end));
    return () => {
      ends.delete(end);
      if (ends.size === 0 && this.held.get(keyId) === ends) this.held.delete(keyId);
    };
  }

  /** To be called when a key was revoked here. */
  revoked(keyId: string): void {
    this.end(keyId);
    this.revocations.emit('revoked', keyId);
  }

  private end(keyId: string): void {
    const ends = this.held.get(keyId) ?? [];
    this.held.delete(keyId);
    for (const end of ends) end();
  }

  private async look(): Promise<void> {
    try {
      for await (const ids of chunks([...this.held.keys()])) {
        const revoked = await this.database
          .selectFrom('apiKeys')
          .select('id')
          .where('id', 'in', ids)
          .where('revokedAt', 'is not', null)
          .execute();
        for (const { id } of revoked) this.end(id);
      }
      this.failing = false;
    } catch (error) {
      // Said once; the next look asks again.
      if (!this.failing) this.logger.warn({ msg: 'open keys cannot be looked at for now', err: error });
      this.failing = true;
    }
  }
}
