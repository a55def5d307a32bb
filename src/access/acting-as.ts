/** Whose things a principal may touch: its own, and with `act-as` any user's (a web server calling for its users). */
import { ClaudeCodeError } from '../errors/claude-code.error.js';
import type { Principal } from './principal.js';

export const mayActAs = (principal: Principal, userId: string): boolean =>
  principal.userId === userId || principal.scopes.includes('act-as');

/** The user a call is for. @throws ClaudeCodeError E008 when it names another user without `act-as` */
export function actingAs(principal: Principal, userId: string | null | undefined): string {
  const user = userId ?? principal.userId;
  if (!mayActAs(principal, user))
    throw new ClaudeCodeError('E008', 'The key may not act for another user (scope act-as).', {
      details: { scope: 'act-as' },
    });
  return user;
}
