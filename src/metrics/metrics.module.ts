/** Watches how much, how long and at what cost; nothing depends on it. */
import { Module, type OnModuleDestroy } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { register } from 'prom-client';
import { AgentsModule } from '../agents/agents.module.js';
import { CacheModule } from '../cache/cache.module.js';
import { EgressModule } from '../egress/egress.module.js';
import { ExecutionModule } from '../execution/execution.module.js';
import { ModelGatewayModule } from '../model-gateway/model-gateway.module.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { CacheMetrics } from './cache-metrics.js';
import { ExecutionMetrics } from './execution-metrics.js';
import { INSTRUMENTS } from './instruments.js';
import { MetricsController } from './metrics.controller.js';
import { PortMetrics } from './port-metrics.js';
import { UsageController } from './usage.controller.js';
import { UsageLog } from './usage-log.js';
import { WarmMetrics } from './warm-metrics.js';

@Module({
  imports: [
    AgentsModule,
    CacheModule,
    ExecutionModule,
    EgressModule,
    ModelGatewayModule,
    SandboxModule,
    PrometheusModule.registerAsync({
      controller: MetricsController,
      // Memory, garbage collection and event loop lag; the registry is one per process and takes them once.
      useFactory: () => ({
        defaultMetrics: { enabled: register.getSingleMetric('nodejs_eventloop_lag_seconds') === undefined },
      }),
    }),
  ],
  controllers: [UsageController],
  providers: [...INSTRUMENTS, CacheMetrics, ExecutionMetrics, PortMetrics, UsageLog, WarmMetrics],
})
export class MetricsModule implements OnModuleDestroy {
  /** The next application of this process begins with a registry of its own. */
  onModuleDestroy(): void {
    register.clear();
  }
}
