/** Writes the audit entries of executions, of refused calls and of egress connections, as they are announced. */
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../config/config.js';
import { type EgressConnection, EgressGateway } from '../egress/egress-gateway.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import { type Refusal, Refusals } from '../errors/refusals.js';
import { type DomainEventMap, DomainEvents } from '../execution/domain-events.js';
import { promptFacts } from './audit-entry.js';
import { AuditLog } from './audit-log.js';

@Injectable()
export class AuditObserver {
  private readonly logger = new Logger(AuditObserver.name);
  /** Who was throttled → time, by a clock that nobody can set, from which a further refusal is an entry again. */
  private readonly throttledUntil = new Map<string, number>();

  constructor(
    private readonly log: AuditLog,
    private readonly config: Config,
    events: DomainEvents,
    refusals: Refusals,
    egress: EgressGateway,
  ) {
    events.on('executions.accepted', ({ data }) => this.accepted(data));
    events.on('execution.ended', ({ data }) => this.ended(data));
    refusals.on('refused', ({ data }) => this.refused(data));
    egress.events.on('connection', ({ data }) => this.connected(data));
  }

  /** @throws ClaudeCodeError E012, which refuses the executions: what cannot be recorded is not done */
  private async accepted({ executions, caller, db }: DomainEventMap['executions.accepted']): Promise<void> {
    const entries = executions.map(({ id, action, projectId, userId, batchId, continues, request }) => ({
      type: 'execution.accepted' as const,
      requestId: caller.requestId,
      action,
      keyId: caller.principal.keyId,
      principalId: caller.principal.userId,
      userId,
      executionId: id,
      batchId,
      continues,
      projectId,
      ...promptFacts(request.prompt),
      remoteAddress: caller.remoteAddress,
    }));
    try {
      await this.log.append(entries, db);
    } catch (error) {
      this.logger.error({ msg: 'the audit cannot be written', err: error });
      throw new ClaudeCodeError('E012', 'The audit cannot be written.', { cause: error });
    }
  }

  private async ended({ execution, usage, db }: DomainEventMap['execution.ended']): Promise<void> {
    const { id, batchId, action, projectId, userId, keyId, requestId, request, status } = execution;
    const { startedAt, endedAt, errorCode } = execution;
    await this.log.append(
      {
        type: 'execution.ended',
        requestId,
        action,
        keyId,
        userId,
        executionId: id,
        batchId,
        projectId,
        ...promptFacts(request.prompt),
        success: status === 'succeeded',
        duration: startedAt === undefined || endedAt === undefined ? 0 : endedAt - startedAt,
        tokensUsed: Object.values(usage).reduce(
          (sum, use) =>
            sum + use.inputTokens + use.outputTokens + use.cacheCreationTokens + use.cacheReadTokens,
          0,
        ),
        errorCode,
      },
      db,
    );
  }

  /** @throws whatever the database throws: that is logged, and the call stays refused */
  private async refused({ code, action, requestId, remoteAddress, keyId, userId }: Refusal): Promise<void> {
    if (code === 'E002' && this.wasThrottledBefore(userId ?? remoteAddress)) return;
    await this.log.append({
      type: 'call.refused',
      requestId,
      action,
      keyId,
      principalId: userId,
      userId,
      success: false,
      errorCode: code,
      remoteAddress,
    });
  }

  /** @throws whatever the database throws, which refuses the connection */
  private async connected(connection: EgressConnection): Promise<void> {
    const { id, asked, userId, projectId, executionId, address, outcome } = connection;
    await this.log.append({
      type: 'egress.connection',
      requestId: id,
      action: asked,
      userId,
      projectId,
      executionId,
      success: outcome === 'opened',
      dialledAddress: address,
      outcome,
    });
  }

  /** One entry per window tells of a flood; one per call would let the flood fill the disk. */
  private wasThrottledBefore(who: string): boolean {
    const now = performance.now();
    for (const [other, until] of this.throttledUntil) if (until <= now) this.throttledUntil.delete(other);
    if (this.throttledUntil.has(who)) return true;
    this.throttledUntil.set(who, now + this.config.values.RATE_LIMIT_WINDOW_MS);
    return false;
  }
}
