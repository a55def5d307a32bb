/** What an agent of the protocol may do, by the kinds in which it tells its tools. */
import type { PermissionOption, RequestPermissionOutcome, ToolKind } from '@agentclientprotocol/sdk';

/**
 * The tools of a command's policy, each of which allows a kind. Empty: nobody's, so it is always refused. What a kind means
 * is the agent's word; what it cannot do after all the sandbox says.
 */
const ALLOWED_BY: Readonly<Record<ToolKind, readonly string[]>> = {
  read: ['Read'],
  search: ['Read'],
  edit: ['Edit', 'Write'],
  delete: ['Write'],
  move: ['Write'],
  execute: ['Bash'],
  think: ['Read'],
  fetch: [],
  switch_mode: [],
  other: [],
};

/** @param tools of the task */
export const mayUse = (kind: ToolKind, tools: readonly string[]): boolean =>
  ALLOWED_BY[kind].some((name) => tools.includes(name));

/** The answer to a request for permission: once and never always, so that the next call is asked for as well. */
export function decide(allowed: boolean, options: readonly PermissionOption[]): RequestPermissionOutcome {
  const kinds = allowed ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const chosen = kinds.flatMap((kind) => options.filter((option) => option.kind === kind)).at(0);
  return chosen === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: chosen.optionId };
}
