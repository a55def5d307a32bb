/** Gives the execution module its event log, without making it know streaming. */
import { Global, Module } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Config } from '../config/config.js';
import { EventLog } from '../execution/event-log.js';
import { EventBroadcast, InProcessBroadcast } from './event-broadcast.js';
import { RedisBroadcast } from './redis-broadcast.js';
import { StoredEventLog } from './stored-event-log.js';

@Global()
@Module({
  providers: [
    {
      provide: EventBroadcast,
      useFactory: (config: Config, module: ModuleRef): Promise<EventBroadcast> =>
        module.create<EventBroadcast>(config.shared ? RedisBroadcast : InProcessBroadcast),
      inject: [Config, ModuleRef],
    },
    { provide: EventLog, useClass: StoredEventLog },
  ],
  exports: [EventLog],
})
export class EventLogModule {}
