/** Cancels what another worker runs: told at once over Redis, and found in the database by its next sign of life. */
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { RedisChannels } from '../../redis/redis-channels.js';
import { ActiveExecutions } from '../active-executions.js';
import { Elsewhere } from '../elsewhere.js';
import type { Execution } from '../execution.js';
import { isEnd } from '../execution-state.js';
import { ExecutionStore } from '../execution-store.js';
import { Membership } from '../../cluster/membership.js';

const CHANNEL = 'caisson:cancel';
/** Milliseconds that a caller waits for the effect: KILL comes 5 s after TERM, and then the end has to be written. */
const PATIENCE = 10_000;
const LOOK_EVERY = 50;

@Injectable()
export class Cancels extends Elsewhere implements OnModuleInit {
  constructor(
    private readonly channels: RedisChannels,
    private readonly store: ExecutionStore,
    private readonly active: ActiveExecutions,
    private readonly membership: Membership,
  ) {
    super();
  }

  onModuleInit(): void {
    this.membership.events.on('beat', ({ data: { id } }) => this.endAsked(id));
    // Fenced off already: whatever they still do is for nobody.
    this.membership.events.on('lost', () =>
      this.active.endAll(new ClaudeCodeError('E014', 'The worker was given up for lost.')),
    );
    this.channels.listen(CHANNEL, {
      heard: (executionId) => this.end(executionId),
      // What was missed is found by the next sign of life.
      listening: () => undefined,
    });
  }

  async cancel(execution: Execution): Promise<void> {
    await this.store.askToCancel(execution);
    this.channels.publish(CHANNEL, execution.id);
    const over = performance.now() + PATIENCE;
    while (performance.now() < over) {
      const now = await this.store.find(execution.id);
      if (now === undefined || isEnd(now.status)) return;
      await delay(LOOK_EVERY);
    }
  }

  private async endAsked(processId: string): Promise<void> {
    for (const executionId of await this.store.askedToCancel(processId)) this.end(executionId);
  }

  private end(executionId: string): void {
    void this.active.end(executionId, new ClaudeCodeError('E013', 'The caller cancelled it.'));
  }
}
