/** Gives the execution module its event log, without making it know streaming. */
import { Global, Module } from '@nestjs/common';
import { EventLog } from '../execution/event-log.js';
import { StoredEventLog } from './stored-event-log.js';

@Global()
@Module({ providers: [{ provide: EventLog, useClass: StoredEventLog }], exports: [EventLog] })
export class EventLogModule {}
