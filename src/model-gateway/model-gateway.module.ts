/** Provides the model gateway; needs the configuration and nothing else. */
import { Module } from '@nestjs/common';
import { ModelGateway } from './model-gateway.js';
import { UnixSocketModelGateway } from './unix-socket-model-gateway.js';

@Module({
  providers: [{ provide: ModelGateway, useClass: UnixSocketModelGateway }],
  exports: [ModelGateway],
})
export class ModelGatewayModule {}
