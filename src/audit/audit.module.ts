/** Watches everything that is asked and records it; nothing depends on it, but nothing is done that it cannot record. */
import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { EgressModule } from '../egress/egress.module.js';
import { ExecutionModule } from '../execution/execution.module.js';
import { AuditController } from './audit.controller.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { AuditLog } from './audit-log.js';
import { AuditObserver } from './audit-observer.js';
import { AuditRetention } from './audit-retention.js';

@Module({
  imports: [ExecutionModule, EgressModule],
  controllers: [AuditController],
  providers: [
    AuditLog,
    AuditObserver,
    AuditRetention,
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
  ],
})
export class AuditModule {}
