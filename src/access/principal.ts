/** Who asks: the user behind an API key, with what the key may do. */

/** `run`: submit and cancel; `read`: look; `admin`: keys, everybody's audit and usage, egress; `act-as`: name another user. */
export const SCOPES = ['run', 'read', 'admin', 'act-as'] as const;
export type Scope = (typeof SCOPES)[number];

/** Names of users and projects: opaque to us, but they go into logs, lists and URLs. Linear-time by construction. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;

export interface Principal {
  keyId: string;
  userId: string;
  scopes: readonly Scope[];
}

/** A principal with where the call came from: what is recorded with everything that is asked. */
export interface Caller {
  principal: Principal;
  requestId: string;
  /** As Express sees it, honouring TRUST_PROXY. */
  remoteAddress: string;
}
