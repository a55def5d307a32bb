/** The egress port: a sandbox's way to hosts that were granted, one unix socket each; without a grant there is none. */
import type Emittery from 'emittery';
import type { EgressOutcome } from './refusal.js';
import type { TunnelReport } from './tunnel.js';

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

/** One connection that a sandbox asked for: who, where to and with what outcome; never what it carried. */
export interface EgressConnection extends Pick<EgressOrder, 'userId' | 'projectId' | 'executionId'> {
  /** Of its own, in the log and in the audit. */
  id: string;
  /** `CONNECT host:port`, or as much of another request as is fit to be shown. */
  asked: string;
  /** That was connected to; undefined when it did not come to that. */
  address?: string;
  outcome: EgressOutcome;
}

export interface EgressEvents {
  /** Before the first byte of the sandbox's goes out. A listener that throws refuses the connection. */
  connection: EgressConnection;
  /** Afterwards, also of those that were refused (no bytes then); what a listener throws is logged. */
  ended: { connection: EgressConnection; durationMs: number; report?: TunnelReport };
}

export abstract class EgressGateway {
  /** Listeners are awaited one after another. */
  abstract readonly events: Emittery<EgressEvents>;

  /** @throws ClaudeCodeError E012 when the socket cannot be made, E003 when a host is no valid pattern. */
  abstract open(order: EgressOrder): Promise<EgressRoute>;

  /**
   * Opens the way to all that the project may reach, and to nothing that is taken back meanwhile.
   * @returns undefined where nothing was granted @throws ClaudeCodeError E012
   */
  abstract openGranted(order: Omit<EgressOrder, 'hosts'>): Promise<EgressRoute | undefined>;

  /** The hosts that a project may reach now: those of EGRESS_ALLOW and its own. */
  abstract grantsOf(userId: string, projectId: string): Promise<readonly string[]>;
}
