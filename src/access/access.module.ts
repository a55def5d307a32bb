/** Who is it, may they, how often: asked of every call, in this order. */
import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { getStorageToken } from '@nestjs/throttler';
import { ApiKeys } from './api-keys.js';
import { AuthGuard } from './auth.guard.js';
import { KeysController } from './keys.controller.js';
import { Throttle } from './throttle.js';
import { UnknownRoute } from './unknown-route.js';
import { UserThrottleGuard } from './user-throttle.guard.js';
import { WindowCounters } from './window-counters.js';

@Global()
@Module({
  controllers: [KeysController],
  providers: [
    ApiKeys,
    AuthGuard,
    Throttle,
    UnknownRoute,
    // Counters in this process; any other ThrottlerStorage shares them between processes.
    { provide: getStorageToken(), useClass: WindowCounters },
    // Guards run in this order.
    { provide: APP_GUARD, useExisting: AuthGuard },
    { provide: APP_GUARD, useClass: UserThrottleGuard },
  ],
  exports: [ApiKeys, AuthGuard, Throttle],
})
export class AccessModule {}
