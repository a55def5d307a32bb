/** The specification's socket.io events: submit, follow, cancel over one connection that may come and go. */
import { Logger } from '@nestjs/common';
import { OnGatewayConnection, OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server } from 'socket.io';
import { v7 as uuidv7 } from 'uuid';
import { ApiKeys } from '../access/api-keys.js';
import { HeldKeys } from '../access/held-keys.js';
import type { Caller, Scope } from '../access/principal.js';
import { remoteAddress } from '../access/remote-address.js';
import { Tally } from '../access/tally.js';
import { Throttle } from '../access/throttle.js';
import { ClaudeCodeRequest } from '../commands/claude-code-request.js';
import { Config } from '../config/config.js';
import { ClaudeCodeError, type ErrorBody } from '../errors/claude-code.error.js';
import { Refusals } from '../errors/refusals.js';
import { toClaudeCodeError } from '../errors/to-claude-code-error.js';
import { StrictValidationPipe } from '../errors/validation.pipe.js';
import { EventLog } from '../execution/event-log.js';
import { ExecutionService } from '../execution/execution-service.js';
import { logContext } from '../logging/log-context.js';
import { inMessageSpan } from '../tracing/socket-span.js';
import { markRefused } from '../tracing/span.js';
import { CancelMessage, SubscribeMessage } from './socket-messages.js';
import { type ClientSocket, sendToSocket } from './socket-stream.js';

/** How each of a client's messages is handled; without an entry here there is no message, without a scope no entry. */
export interface Handling<Message extends object = object> {
  scope: Scope;
  message: new () => Message;
  /** Answers what is acknowledged. */
  handle: (message: Message, caller: Caller, socket: ClientSocket) => Promise<object>;
}
export const handling = <Message extends object>(it: Handling<Message>) => it as unknown as Handling;

type Acknowledge = (answer: object | { error: ErrorBody }) => void;

@WebSocketGateway()
export class StreamingGateway implements OnGatewayInit, OnGatewayConnection {
  private readonly logger = new Logger('StreamingGateway');
  private readonly pipe = new StrictValidationPipe();
  private readonly sockets: Tally;

  /** Every message a client may send; rooms that build on this one add theirs when the server starts. */
  readonly messages: Record<string, Handling> = {
    'claude-code-stream': handling({
      scope: 'run',
      message: ClaudeCodeRequest,
      handle: async (request, caller, socket) => {
        const { id } = await this.executions.submit(request, caller);
        this.follow(socket, id, 0);
        return { executionId: id };
      },
    }),
    'claude-code-subscribe': handling({
      scope: 'read',
      message: SubscribeMessage,
      handle: async ({ executionId, after }, { principal }, socket) => {
        await this.executions.find(executionId, principal);
        this.follow(socket, executionId, after);
        return { executionId };
      },
    }),
    'claude-code-cancel': handling({
      scope: 'run',
      message: CancelMessage,
      handle: async ({ executionId }, { principal }) => {
        await this.executions.cancel(executionId, principal);
        return { executionId };
      },
    }),
  };

  constructor(
    private readonly executions: ExecutionService,
    private readonly log: EventLog,
    private readonly keys: ApiKeys,
    private readonly throttle: Throttle,
    private readonly refusals: Refusals,
    private readonly config: Config,
    private readonly held: HeldKeys,
  ) {
    this.sockets = new Tally(config.values.SOCKETS_PER_USER);
  }

  afterInit(server: Server): void {
    // Those of this process have been told and closed when this comes; it is for those of the others.
    this.held.revocations.on('revoked', (keyId) => {
      const sockets = server.in(roomOf(keyId));
      sockets.emit('claude-code-error', { error: REVOKED });
      sockets.disconnectSockets(true);
    });
    server.use((socket, next) => {
      this.admit(socket as ClientSocket).then(
        () => next(),
        async (thrown: unknown) => {
          const error = await this.refuse(socket as ClientSocket, 'connect', thrown);
          next(Object.assign(new Error(error.message), { data: error.toBody() }));
        },
      );
    });
  }

  handleConnection(socket: ClientSocket): void {
    socket.data.left = new AbortController();
    socket.data.burden = 0;
    if (!this.hasRoom(socket)) return;
    this.holdKey(socket);
    socket.on('disconnect', () => socket.data.left.abort());
    socket.onAny((name: string, ...sent: unknown[]) => {
      if (socket.data.burden >= this.config.values.SOCKET_MESSAGES_AHEAD) return void socket.disconnect(true);
      socket.data.burden += 1;
      // socket.io puts the acknowledgement last, whether or not a message comes before it.
      const last = sent.at(-1);
      const answer: Acknowledge = typeof last === 'function' ? (last as Acknowledge) : () => undefined;
      const [message] = sent.filter((part) => typeof part !== 'function');
      void logContext.run({ requestId: uuidv7() }, () => this.receive(socket, name, message, answer));
    });
  }

  /** A socket lasts as long as the key with which it came. */
  private holdKey(socket: ClientSocket): void {
    const keyId = socket.data.principal?.keyId ?? '';
    void socket.join(roomOf(keyId));
    const letGo = this.held.hold(keyId, () => {
      socket.emit('claude-code-error', { error: REVOKED });
      socket.disconnect(true);
    });
    socket.once('disconnect', letGo);
  }

  /** One more socket of this user, unless there are SOCKETS_PER_USER: then it is told so and closed. */
  private hasRoom(socket: ClientSocket): boolean {
    const user = socket.data.principal?.userId ?? '';
    if (this.sockets.enter(user)) {
      socket.once('disconnect', () => this.sockets.leave(user));
      return true;
    }
    const error = new ClaudeCodeError('E002', 'Too many sockets of this user are open.').toBody();
    socket.emit('claude-code-error', { error });
    socket.disconnect(true);
    return false;
  }

  private receive(socket: ClientSocket, name: string, body: unknown, answer: Acknowledge): Promise<void> {
    return inMessageSpan(this.known(name), socket.handshake.headers, async (span) => {
      const refusal = await this.respond(socket, name, body, answer);
      if (refusal !== undefined) markRefused(span, refusal);
    });
  }

  /** Settles with the answer: with the error that it was. A message refused for its rate goes on to weigh on its socket. */
  private async respond(
    socket: ClientSocket,
    name: string,
    body: unknown,
    answer: Acknowledge,
  ): Promise<ClaudeCodeError | undefined> {
    try {
      const handling = Object.hasOwn(this.messages, name) ? this.messages[name] : undefined;
      if (handling === undefined) throw new ClaudeCodeError('E003', 'There is no such message.');
      const caller = await this.callerOf(socket, handling.scope);
      const message = (await this.pipe.transform(body ?? {}, {
        type: 'body',
        metatype: handling.message,
      })) as object;
      answer(await handling.handle(message, caller, socket));
      socket.data.burden -= 1;
      return undefined;
    } catch (thrown) {
      const refusal = await this.refuse(socket, name, thrown);
      const error = refusal.toBody();
      if (error.code !== 'E002') socket.data.burden -= 1;
      answer({ error });
      socket.emit('claude-code-error', { executionId: executionIdOf(body), error });
      return refusal;
    }
  }

  /** Counts the call, and asks for the key anew: one that was revoked stops working on open connections too. */
  private async callerOf(socket: ClientSocket, scope: Scope): Promise<Caller> {
    const caller = await this.admit(socket);
    await this.throttle.byUser(caller.principal.userId);
    if (!caller.principal.scopes.includes(scope))
      throw new ClaudeCodeError('E008', `The API key needs the scope ${scope}.`);
    return caller;
  }

  /** @throws ClaudeCodeError E002, E007 */
  private async admit(socket: ClientSocket): Promise<Caller> {
    const address = this.addressOf(socket);
    await this.throttle.byAddress(address);
    const token: unknown = socket.handshake.auth.token;
    const principal = await this.keys.authenticate(typeof token === 'string' ? token : '');
    socket.data.principal = principal;
    return { principal, remoteAddress: address, requestId: logContext.getStore()?.requestId ?? '' };
  }

  private addressOf({ handshake }: ClientSocket): string {
    const { TRUST_PROXY } = this.config.values;
    return remoteAddress(handshake.address, handshake.headers['x-forwarded-for'], TRUST_PROXY);
  }

  private follow(socket: ClientSocket, executionId: string, after: number): void {
    const events = this.log.follow(executionId, after, socket.data.left.signal);
    this.inBackground(sendToSocket(socket, events, this.config.values.STREAM_STALL_MS));
  }

  /** For a stream that goes on after its message was answered. */
  inBackground(stream: Promise<void>): void {
    stream.catch((error: unknown) => this.logger.error({ msg: 'a stream over socket.io broke', err: error }));
  }

  /** What a client may have made up is not repeated. */
  private known(name: string): string {
    return Object.hasOwn(this.messages, name) ? name : 'unknown message';
  }

  /** Never rejects: nobody is there to catch it. */
  private async refuse(socket: ClientSocket, action: string, thrown: unknown): Promise<ClaudeCodeError> {
    const error = toClaudeCodeError(thrown);
    if (error.code === 'E099')
      this.logger.error({ msg: error.message, details: error.details, err: error.cause });
    await this.refusals.announce({
      code: error.code,
      action: `socket.io ${action === 'connect' ? action : this.known(action)}`,
      requestId: logContext.getStore()?.requestId ?? '',
      remoteAddress: this.addressOf(socket),
      keyId: socket.data.principal?.keyId,
      userId: socket.data.principal?.userId,
    });
    return error;
  }
}

/** Everybody with this key, on all replicas. */
const roomOf = (keyId: string): string => `key:${keyId}`;

const REVOKED = new ClaudeCodeError('E007', 'The API key was revoked.').toBody();

/** The execution a refused message was about, when it names one. */
const executionIdOf = (body: unknown): string | undefined =>
  typeof body === 'object' && body !== null && 'executionId' in body && typeof body.executionId === 'string'
    ? body.executionId.slice(0, 64)
    : undefined;
