/** Puts the one exception filter before all routes and lets everybody announce and hear refusals. */
import { Global, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClaudeCodeExceptionFilter } from './exception.filter.js';
import { Refusals } from './refusals.js';

@Global()
@Module({
  providers: [Refusals, { provide: APP_FILTER, useClass: ClaudeCodeExceptionFilter }],
  exports: [Refusals],
})
export class ErrorsModule {}
