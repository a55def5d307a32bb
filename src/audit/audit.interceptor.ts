/** Records every call that changes something, before it is carried out; what cannot be recorded is refused. */
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { concatMap, type Observable } from 'rxjs';
import { AUDITED_BY_EXECUTION_KEY } from '../access/audited.decorator.js';
import type { AuthenticatedRequest } from '../access/auth.guard.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { AuditEntry } from './audit-entry.js';
import { AuditLog } from './audit-log.js';

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

@Injectable()
export class AuditInterceptor implements NestInterceptor {
  private readonly logger = new Logger(AuditInterceptor.name);

  constructor(
    private readonly log: AuditLog,
    private readonly reflector: Reflector,
  ) {}

  /** @throws ClaudeCodeError E012 when the entry cannot be written */
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const elsewhere = this.reflector.get<boolean | undefined>(AUDITED_BY_EXECUTION_KEY, context.getHandler());
    if (READING.has(request.method) || elsewhere === true) return next.handle();

    const call = callOf(request);
    const startedAt = performance.now();
    try {
      await this.log.append({ type: 'call.accepted', ...call });
    } catch (error) {
      throw new ClaudeCodeError('E012', 'The audit cannot be written.', { cause: error });
    }
    // Failures are recorded as refusals, by the exception filter.
    return next.handle().pipe(
      concatMap(async (answer: unknown) => {
        const duration = Math.round(performance.now() - startedAt);
        await this.ended({ type: 'call.ended', ...call, success: true, duration });
        return answer;
      }),
    );
  }

  /** What was done cannot be refused any more: a missing end in the audit is told in the log. */
  private async ended(entry: AuditEntry): Promise<void> {
    try {
      await this.log.append(entry);
    } catch (error) {
      this.logger.error({ msg: 'the end of a call could not be recorded', entry, err: error });
    }
  }
}

function callOf(request: AuthenticatedRequest): Omit<AuditEntry, 'type'> {
  const { method, originalUrl, id, principal, ip } = request;
  return {
    requestId: id,
    action: `${method} ${originalUrl.split('?', 1)[0] ?? ''}`,
    keyId: principal?.keyId,
    principalId: principal?.userId,
    userId: principal?.userId,
    remoteAddress: ip,
  };
}
