/** Batches over socket.io: submit, follow, cancel, beside the messages of single executions. */
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import type { ClientSocket } from '../streaming/socket-stream.js';
import { paced } from '../streaming/socket-stream.js';
import { handling, StreamingGateway } from '../streaming/streaming.gateway.js';
import type { Batch } from './batch.js';
import { BatchCancelMessage, BatchRequest, BatchSubscribeMessage } from './batch.dto.js';
import { BatchService } from './batch-service.js';
import { BatchStream } from './batch-stream.js';

@Injectable()
export class BatchMessages implements OnModuleInit {
  constructor(
    private readonly gateway: StreamingGateway,
    private readonly batches: BatchService,
    private readonly stream: BatchStream,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    Object.assign(this.gateway.messages, {
      'claude-code-batch': handling({
        scope: 'run',
        message: BatchRequest,
        handle: async ({ requests, mode }, caller, socket) => {
          const batch = await this.batches.submit({ requests, mode: mode ?? 'standard' }, caller);
          this.follow(socket, batch, 0);
          return { batchId: batch.id };
        },
      }),
      'claude-code-batch-subscribe': handling({
        scope: 'read',
        message: BatchSubscribeMessage,
        handle: async ({ batchId, after }, { principal }, socket) => {
          this.follow(socket, await this.batches.find(batchId, principal), after);
          return { batchId };
        },
      }),
      'claude-code-batch-cancel': handling({
        scope: 'run',
        message: BatchCancelMessage,
        handle: async ({ batchId }, { principal }) => {
          await this.batches.cancel(batchId, principal);
          return { batchId };
        },
      }),
    });
  }

  private follow(socket: ClientSocket, batch: Batch, after: number): void {
    const items = this.stream.events(batch, after, socket.data.left.signal);
    const sent = paced(socket, items, this.config.values.STREAM_STALL_MS, (item) => {
      socket.emit('claude-code-batch-data', item);
      if (item.type === 'batch.finished')
        socket.emit('claude-code-batch-complete', { batchId: batch.id, batch: item.data });
    });
    this.gateway.inBackground(sent);
  }
}
