/** Facts that audit and metrics observe. The execution module announces them and knows nobody who listens. */
import { Injectable } from '@nestjs/common';
import Emittery from 'emittery';
import type { Caller } from '../access/principal.js';
import type { UsageByModel } from '../model-gateway/model-gateway.js';
import type { Queryable } from '../persistence/database.js';
import type { Execution } from './execution.js';

/** Listeners are awaited one after another; one that throws makes the announcement fail. */
export interface DomainEventMap {
  /** Inside the transaction that writes the rows: a listener that throws refuses the call, and nothing is kept. */
  'executions.accepted': { executions: readonly Execution[]; caller: Caller; db: Queryable };
  /** Milliseconds between acceptance and start. */
  'execution.started': { execution: Execution; waitedMs: number };
  /** Milliseconds between start and the first text of the agent. */
  'execution.first-token': { execution: Execution; afterMs: number };
  /** Inside the transaction that writes the end. */
  'execution.ended': { execution: Execution; usage: UsageByModel; db: Queryable };
  /** After that transaction. */
  'execution.settled': { execution: Execution; usage: UsageByModel };
}

@Injectable()
export class DomainEvents extends Emittery<DomainEventMap> {}
