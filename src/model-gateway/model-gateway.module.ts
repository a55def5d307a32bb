/** Provides the model gateway; needs the configuration and nothing else. */
import { Module } from '@nestjs/common';
import { MessageBatches } from './message-batches.js';
import { ModelGateway } from './model-gateway.js';
import { UnixSocketModelGateway } from './unix-socket-model-gateway.js';

@Module({
  providers: [
    UnixSocketModelGateway,
    { provide: ModelGateway, useExisting: UnixSocketModelGateway },
    {
      provide: MessageBatches,
      useFactory: ({ batches }: UnixSocketModelGateway) => batches,
      inject: [UnixSocketModelGateway],
    },
  ],
  exports: [MessageBatches, ModelGateway],
})
export class ModelGatewayModule {}
