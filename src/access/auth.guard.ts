/** Default deny: nothing runs without a valid key and a scope the handler names, unless the handler says it is public. */
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { IdentifiedRequest } from '../logging/request-log.js';
import { ApiKeys } from './api-keys.js';
import type { Principal, Scope } from './principal.js';
import { PUBLIC_KEY, SCOPES_KEY } from './scopes.decorator.js';

/** Express's request once it has passed the guard; public routes have no principal. */
export type AuthenticatedRequest = IdentifiedRequest & { principal?: Principal };

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: ApiKeys,
    private readonly config: Config,
  ) {}

  /** @throws ClaudeCodeError E007 without a valid key; E008 without one of the handler's scopes */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    request.principal = await this.keys.authenticate(secretOf(request));
    const { principal } = request;
    const scopes =
      this.reflector.getAllAndOverride<readonly Scope[] | undefined>(SCOPES_KEY, targetsOf(context)) ?? [];
    if (!scopes.some((scope) => principal.scopes.includes(scope)))
      throw new ClaudeCodeError(
        'E008',
        `The API key needs the scope ${scopes.join(' or ') || 'that no key has'}.`,
      );
    return true;
  }

  private isPublic(context: ExecutionContext): boolean {
    const condition = this.reflector.getAllAndOverride<((config: Config) => boolean) | undefined>(
      PUBLIC_KEY,
      targetsOf(context),
    );
    return condition?.(this.config) ?? false;
  }
}

/** What a handler declares counts before what its class does. */
const targetsOf = (context: ExecutionContext) => [context.getHandler(), context.getClass()];

/** The one key a caller gave. @throws ClaudeCodeError E007 */
export function secretOf({ headers }: Pick<AuthenticatedRequest, 'headers'>): string {
  const bearer = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = [bearer, headers['x-api-key']].filter((secret) => typeof secret === 'string');
  const [secret, other] = new Set(given);
  if (secret === undefined || other !== undefined)
    throw new ClaudeCodeError('E007', 'Give one API key, as Authorization: Bearer or as x-api-key.');
  return secret;
}
