/** The egress port: a sandbox's way to hosts that were granted, one unix socket each; without a grant there is none. */

export interface EgressOrder {
  userId: string;
  projectId: string;
  /** The execution it serves, if one. */
  executionId?: string;
  /** Host uid that may connect (owner of the socket, mode 0600); undefined = the server's own. */
  uid?: number;
  /** Exact names or `*.suffix`. */
  hosts: readonly string[];
}

/** An open way for one sandbox. Its socket is its identity. */
export interface EgressRoute {
  readonly socketPath: string;
  /** Stops listening, cuts what is under way, removes the socket. Idempotent. */
  close(): Promise<void>;
}

export abstract class EgressGateway {
  /** @throws ClaudeCodeError E012 when the socket cannot be made, E003 when a host is no valid pattern. */
  abstract open(order: EgressOrder): Promise<EgressRoute>;

  /** The hosts that a project may reach now: those of EGRESS_ALLOW and its own. */
  abstract grantsOf(userId: string, projectId: string): Promise<readonly string[]>;
}
