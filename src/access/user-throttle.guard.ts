/** Counts each authenticated HTTP call for its user. Runs after the AuthGuard; addresses are counted before the body is read. */
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Response } from 'express';
import type { AuthenticatedRequest } from './auth.guard.js';
import { Throttle } from './throttle.js';

@Injectable()
export class UserThrottleGuard implements CanActivate {
  constructor(private readonly throttle: Throttle) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const http = context.switchToHttp();
    const { principal } = http.getRequest<AuthenticatedRequest>();
    if (principal !== undefined) await this.throttle.byUser(principal.userId, http.getResponse<Response>());
    return true;
  }
}
