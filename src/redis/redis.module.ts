/** Redis for whoever has to agree with other processes; nothing is connected without REDIS_URL. */
import { type FactoryProvider, Global, Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { RedisChannels } from './redis-channels.js';
import { RedisConnections } from './redis-connections.js';

/** The client is loaded where there is a Redis: 6 MB of memory that one process alone has no use for (measured). */
const connections: FactoryProvider<RedisConnections> = {
  provide: RedisConnections,
  useFactory: async (config: Config) =>
    new RedisConnections(config, config.shared ? (await import('ioredis')).Redis : undefined),
  inject: [Config],
};

@Global()
@Module({
  providers: [connections, RedisChannels],
  exports: [RedisConnections, RedisChannels],
})
export class RedisModule {}
