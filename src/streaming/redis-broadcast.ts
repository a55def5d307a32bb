/** Events between processes over Redis, and a look into the log for what did not come. */
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { BatchEvent, ExecutionEvent } from '../execution/execution-event.js';
import { Database } from '../persistence/database.js';
import { RedisChannels } from '../redis/redis-channels.js';
import { EventBroadcast } from './event-broadcast.js';
import { SharedFeed } from './shared-feed.js';

@Injectable()
export class RedisBroadcast extends EventBroadcast implements OnModuleInit, OnApplicationShutdown {
  readonly executions: SharedFeed<ExecutionEvent>;
  readonly batches: SharedFeed<BatchEvent>;
  private timer?: NodeJS.Timeout;

  constructor(
    channels: RedisChannels,
    database: Database,
    private readonly config: Config,
  ) {
    super();
    // The newest numbers of many by one query on their primary key.
    this.executions = new SharedFeed('execution', channels, (ids) =>
      database.selectFrom('executions').select(['id', 'lastSeq']).where('id', 'in', ids).execute(),
    );
    this.batches = new SharedFeed('batch', channels, (ids) =>
      database.selectFrom('batches').select(['id', 'lastSeq']).where('id', 'in', ids).execute(),
    );
  }

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.executions.lookAtAll();
      this.batches.lookAtAll();
    }, this.config.values.STREAM_LOOK_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.executions.stop(), this.batches.stop()]);
  }
}
