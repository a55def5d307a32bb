/** Who is it, may they, how often: asked of every call, in this order. */
import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { getStorageToken, type ThrottlerStorage } from '@nestjs/throttler';
import { Config } from '../config/config.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { RedisModule } from '../redis/redis.module.js';
import { ApiKeys } from './api-keys.js';
import { AuthGuard } from './auth.guard.js';
import { HeldKeys } from './held-keys.js';
import { KeysController } from './keys.controller.js';
import { SharedCounters } from './shared-counters.js';
import { Throttle } from './throttle.js';
import { UnknownRoute } from './unknown-route.js';
import { UserThrottleGuard } from './user-throttle.guard.js';
import { WindowCounters } from './window-counters.js';

@Global()
@Module({
  imports: [RedisModule],
  controllers: [KeysController],
  providers: [
    ApiKeys,
    AuthGuard,
    HeldKeys,
    Throttle,
    UnknownRoute,
    {
      provide: getStorageToken(),
      useFactory: (config: Config, connections: RedisConnections): ThrottlerStorage =>
        config.shared ? new SharedCounters(connections) : new WindowCounters(),
      inject: [Config, RedisConnections],
    },
    // Guards run in this order.
    { provide: APP_GUARD, useExisting: AuthGuard },
    { provide: APP_GUARD, useClass: UserThrottleGuard },
  ],
  exports: [ApiKeys, AuthGuard, HeldKeys, Throttle],
})
export class AccessModule {}
