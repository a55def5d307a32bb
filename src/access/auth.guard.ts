/** Default deny: nothing runs without a valid key and a scope the handler names, unless the handler says it is public. */
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Socket } from 'socket.io';
import { Config } from '../config/config.js';
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { IdentifiedRequest } from '../logging/request-log.js';
import { ApiKeys } from './api-keys.js';
import type { Principal, Scope } from './principal.js';
import { PUBLIC_KEY, SCOPES_KEY } from './scopes.decorator.js';

/** Express's request once it has passed the guard; public routes have no principal. */
export type AuthenticatedRequest = IdentifiedRequest & { principal?: Principal };

/** For HTTP (global) and for socket.io gateways, where `client.data.principal` is set. */
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
    const { secrets, remember } = caller(context);
    const [secret, other] = [...new Set(secrets)];
    if (secret === undefined || other !== undefined)
      throw new ClaudeCodeError('E007', 'Give one API key, as Authorization: Bearer or as x-api-key');
    const principal = await this.keys.authenticate(secret);
    remember(principal);
    const scopes = this.metadata<readonly Scope[]>(SCOPES_KEY, context) ?? [];
    if (!scopes.some((scope) => principal.scopes.includes(scope)))
      throw new ClaudeCodeError(
        'E008',
        `The API key needs the scope ${scopes.join(' or ') || 'that no key has'}`,
      );
    return true;
  }

  private isPublic(context: ExecutionContext): boolean {
    return this.metadata<(config: Config) => boolean>(PUBLIC_KEY, context)?.(this.config) ?? false;
  }

  private metadata<T>(key: string, context: ExecutionContext): T | undefined {
    return this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
  }
}

/** The secrets a caller gave, and where its principal is kept. */
function caller(context: ExecutionContext): { secrets: string[]; remember: (principal: Principal) => void } {
  if (context.getType() === 'ws') {
    const client = context.switchToWs().getClient<Socket<never, never, never, { principal?: Principal }>>();
    const token: unknown = client.handshake.auth.token;
    // The token of the handshake is looked up again at each event: a revoked key stops working at once.
    return {
      secrets: typeof token === 'string' ? [token] : [],
      remember: (it) => (client.data.principal = it),
    };
  }
  const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
  const bearer = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const header = request.headers['x-api-key'];
  const secrets = [bearer, header].filter((secret) => typeof secret === 'string');
  return { secrets, remember: (principal) => (request.principal = principal) };
}
