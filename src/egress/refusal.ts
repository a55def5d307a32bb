/** Every way in which a connection through the egress gateway can be refused: a closed vocabulary. */

/** HTTP status of the answer, and what it says; null: the client has been told that it is connected, and is cut without a word. */
const REFUSALS = {
  'not-connect': [403, 'Only CONNECT is served here: use https:// addresses.'],
  malformed: [400, 'This is no CONNECT request for a host and its port.'],
  'ip-literal': [403, 'Hosts are reached by their names only, never by an address.'],
  'wrong-port': [403, 'Only port 443 can be reached.'],
  'not-granted': [403, 'This host is not granted to the project; an administrator can grant it.'],
  unresolved: [502, 'This host has no address.'],
  'private-address': [403, 'This host leads to an address that is not of the public network.'],
  unreachable: [502, 'This host cannot be reached.'],
  'too-many': [429, 'This sandbox has used up its connections.'],
  closed: [503, 'The sandbox is ending.'],
  'too-slow': [408, 'The request did not come in time.'],
  'too-large': [431, 'The request is too large.'],
  defect: [500, 'This connection failed by a defect.'],
  unrecorded: null,
  'no-tls': null,
  'no-server-name': null,
  'hidden-server-name': null,
  'other-server-name': null,
} as const satisfies Record<string, readonly [number, string] | null>;

export type RefusalReason = keyof typeof REFUSALS;
/** How a connection began: carried, or why not. */
export type EgressOutcome = 'opened' | RefusalReason;

export class EgressRefusal extends Error {
  override readonly name = 'EgressRefusal';

  constructor(
    readonly reason: RefusalReason,
    options?: ErrorOptions,
  ) {
    super(`egress refused: ${reason}`, options);
  }

  /** The whole answer to the client, as HTTP; undefined when it is too late for one. */
  get answer(): { status: number; text: string } | undefined {
    const found = REFUSALS[this.reason];
    return found === null ? undefined : { status: found[0], text: `${found[1]}\n` };
  }
}
