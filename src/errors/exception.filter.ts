/** Answers every error over HTTP in the response envelope; only the log learns what the caller must not. */
import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ERROR_CATALOGUE } from './catalogue.js';
import type { ClaudeCodeError } from './claude-code.error.js';
import { refusal } from './envelope.js';
import { errorHeaders } from './error-headers.js';
import { Refusals } from './refusals.js';
import { toClaudeCodeError } from './to-claude-code-error.js';

/** What the request id middleware and the guard have put on a request, if it got that far. */
type RefusedRequest = Request & { id?: string; principal?: { keyId: string; userId: string } };

@Injectable()
@Catch()
export class ClaudeCodeExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger(ClaudeCodeExceptionFilter.name);

  constructor(private readonly refusals: Refusals) {}

  /** Sets `response.locals.errorCode` for the access log. Never rejects: nobody is there to catch it. */
  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<RefusedRequest>();
    const response = host.switchToHttp().getResponse<Response>();
    const error = toClaudeCodeError(thrown);
    response.locals.errorCode = error.code;
    this.log(error);
    await this.announce(request, error);
    // An event stream that has begun cannot become an error page.
    if (response.headersSent) return void response.end();
    const body = error.toBody();
    response.set(errorHeaders(body, error.retryAfter));
    response.status(error.status).json(refusal(askedAction(request.body), body));
  }

  private log(error: ClaudeCodeError): void {
    if (ERROR_CATALOGUE[error.code].status < 500) return;
    this.logger.error({
      msg: error.message,
      code: error.code,
      details: error.details,
      err: error.cause ?? error,
    });
  }

  private announce(request: RefusedRequest, { code }: ClaudeCodeError): Promise<void> {
    return this.refusals.announce({
      code,
      action: `${request.method} ${request.originalUrl.split('?', 1)[0] ?? ''}`,
      requestId: request.id ?? '',
      remoteAddress: request.ip ?? '',
      keyId: request.principal?.keyId,
      userId: request.principal?.userId,
    });
  }
}

/** The envelope names the action that was asked for when it is a plain word, known command or not. */
function askedAction(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('action' in body)) return '';
  return typeof body.action === 'string' && /^[a-z][a-z-]{0,31}$/.test(body.action) ? body.action : '';
}
