/** One session with an agent, over the standard input and output of its process. */
import { PassThrough, type Readable, type Writable } from 'node:stream';
import {
  client,
  type ClientConnection,
  type ContentBlock,
  methods,
  PROTOCOL_VERSION,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type StopReason,
} from '@agentclientprotocol/sdk';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import { VERSION } from '../../version.js';
import type { AgentEvent } from '../agent-engine.js';
import { agentStream } from './agent-stream.js';
import { decide, mayUse } from './policy.js';
import { toolCall as toolCallPart } from './tool-calls.js';
import { Updates } from './updates.js';

/** Characters of what an agent calls its version. */
const VERSION_CHARS = 100;

export interface SessionOrder {
  /** Standard input and output of the agent's process. */
  input: Writable;
  output: Readable;
  /** Bytes of one message. */
  lineBytes: number;
  /** Inside the sandbox. */
  directory: string;
  /** Of the task. */
  tools: readonly string[];
  /** The agent's own name for how it works; undefined: as it comes. */
  mode?: string;
}

/** How a turn ended, and what was said in it last. */
export interface Turn {
  stopReason: StopReason;
  text: string;
}

export class AcpSession {
  private readonly updates = new Updates();
  private readonly connection: ClientConnection;
  private readonly opened: Promise<string>;
  private events = new PassThrough({ objectMode: true });
  private id?: string;
  private version?: string;

  /** Introduces itself to the agent at once. */
  constructor(private readonly order: SessionOrder) {
    this.connection = client({ name: 'caisson' })
      .onRequest(methods.client.session.requestPermission, ({ params }) => this.permit(params))
      .connect(
        agentStream(order.input, order.output, order.lineBytes, (method, params) => {
          if (method === methods.client.session.update && this.id !== undefined)
            this.tell(this.updates.eventsOf(params, this.id));
        }),
      );
    this.opened = this.open();
    this.opened.catch(() => undefined); // told to whoever asks for a turn
  }

  /** Resolves when the agent takes tasks, with its version if it tells one. @throws Error when it does not, or is gone */
  async ready(): Promise<string | undefined> {
    await this.opened;
    return this.version;
  }

  /** @throws Error of the agent, or when it is gone */
  async *turn(prompt: ContentBlock[]): AsyncGenerator<AgentEvent, Turn, void> {
    const sessionId = await this.opened;
    const events = (this.events = new PassThrough({ objectMode: true }));
    this.updates.begin();
    const answer = this.connection.agent
      .request(methods.agent.session.prompt, { sessionId, prompt })
      .finally(() => events.end());
    answer.catch(() => undefined); // thrown below, when all that was told before has been passed on
    yield* events as AsyncIterable<AgentEvent>;
    const { stopReason } = await answer;
    return { stopReason, text: this.updates.answer };
  }

  /** Asks the agent to stop; whether it does is its own affair. */
  cancel(): void {
    if (this.id === undefined) return;
    // It may be gone already.
    this.connection.agent.notify(methods.agent.session.cancel, { sessionId: this.id }).catch(() => undefined);
  }

  close(): void {
    this.connection.close();
  }

  private async open(): Promise<string> {
    const { agent } = this.connection;
    const { protocolVersion, agentInfo } = await agent.request(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: 'caisson', version: VERSION },
      // It has its files and its shell in the sandbox: nothing is done for it outside.
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    });
    if (protocolVersion !== PROTOCOL_VERSION)
      throw new ClaudeCodeError('E005', `The agent speaks version ${protocolVersion} of the protocol.`);
    this.version = agentInfo?.version.slice(0, VERSION_CHARS);
    const { directory, mode } = this.order;
    const { sessionId } = await agent.request(methods.agent.session.new, { cwd: directory, mcpServers: [] });
    if (mode !== undefined) await agent.request(methods.agent.session.setMode, { sessionId, modeId: mode });
    this.id = sessionId;
    return sessionId;
  }

  private permit({ toolCall, options }: RequestPermissionRequest): RequestPermissionResponse {
    const { calls } = this.updates;
    const { toolCallId: id } = toolCall;
    this.tell(calls.take(toolCallPart.parse(toolCall)));
    const allowed = mayUse(toolCall.kind ?? calls.kindOf(id), this.order.tools);
    this.tell(allowed ? calls.tell(id) : calls.refuse(id));
    return { outcome: decide(allowed, options) };
  }

  private tell(events: readonly AgentEvent[]): void {
    if (!this.events.writable) return;
    for (const event of events) this.events.write(event);
  }
}
