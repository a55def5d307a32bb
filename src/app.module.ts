/** The whole product, wired: one module a room, in the order in which a request passes them. */
import { type DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from './access/access.module.js';
import { AuditModule } from './audit/audit.module.js';
import { BatchesModule } from './batches/batches.module.js';
import { EconomyModule } from './batches/economy/economy.module.js';
import { CacheModule } from './cache/cache.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { CommandsModule } from './commands/commands.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { EgressModule } from './egress/egress.module.js';
import { ErrorsModule } from './errors/errors.module.js';
import { ExecutionModule } from './execution/execution.module.js';
import { HealthModule } from './health/health.module.js';
import { LoggingModule } from './logging/logging.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { PersistenceModule } from './persistence/persistence.module.js';
import { RedisModule } from './redis/redis.module.js';
import { EventLogModule } from './streaming/event-log.module.js';
import { StreamingModule } from './streaming/streaming.module.js';
import { TracingModule } from './tracing/tracing.module.js';
import { WorkspacesModule } from './workspaces/workspaces.module.js';

@Module({
  imports: [
    LoggingModule,
    TracingModule,
    ErrorsModule,
    PersistenceModule,
    RedisModule,
    ClusterModule,
    EventLogModule,
    AccessModule,
    CommandsModule,
    CacheModule,
    ExecutionModule,
    WorkspacesModule,
    EgressModule,
    EconomyModule,
    AuditModule,
    MetricsModule,
    HealthModule,
  ],
})
export class AppModule {
  static register(config: Config): DynamicModule {
    // Who only works has nobody to stream to; the events it writes are read elsewhere.
    const forCallers = config.serves ? [StreamingModule, BatchesModule] : [];
    return { module: AppModule, imports: [ConfigModule.register(config), ...forCallers] };
  }
}
