/** Simple tasks over the Messages API, the rest by Claude Code: decided for each task, told, and revised once. */
import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { VERSION } from '../../version.js';
import { AgentEngine, type AgentOrder, type AgentPlace } from '../agent-engine.js';
import { ClaudeCodeEngine } from '../claude-code/claude-code.engine.js';
import { isMessagesConversation } from '../messages/dialogue.js';
import type { HandedOver } from '../messages/handed-over.js';
import { MessagesEngine } from '../messages/messages.engine.js';
import type { MessagesPlace } from '../messages/messages-place.js';
import { HAND_OVER } from '../messages/tools.js';
import { type Asked, decide, type Decision, type Size } from './decision.js';
import { HybridPlace } from './hybrid-place.js';
import { withLearned } from './learned.js';

@Injectable()
export class HybridEngine extends AgentEngine {
  readonly name = 'hybrid';
  readonly capabilities = { runsPrograms: true, reachesHosts: true, keepsWarm: true };

  constructor(
    private readonly claudeCode: ClaudeCodeEngine,
    private readonly messages: MessagesEngine,
    private readonly config: Config,
  ) {
    super();
  }

  get tools(): readonly string[] {
    return [...new Set([...this.claudeCode.tools, ...this.messages.tools, HAND_OVER])];
  }

  get models(): readonly string[] {
    return this.claudeCode.models.filter((model) => this.messages.models.includes(model));
  }

  version(): string {
    const { HYBRID_THRESHOLD, HYBRID_WEIGHTS, HYBRID_MAX_TURNS, HYBRID_LEARNED_CHARS } = this.config.values;
    const own = [HYBRID_THRESHOLD, JSON.stringify(HYBRID_WEIGHTS), HYBRID_MAX_TURNS, HYBRID_LEARNED_CHARS];
    return [this.claudeCode.version(), this.messages.version(), ...own].join(' ');
  }

  release(): string {
    return VERSION;
  }

  trouble(): string | undefined {
    return this.messages.trouble() ?? this.claudeCode.trouble();
  }

  /** What was said tells whose it is. */
  override goesOnFrom(engine: string): boolean {
    return [this.name, this.claudeCode.name, this.messages.name].includes(engine);
  }

  async take(order: AgentOrder): Promise<AgentPlace> {
    if (order.conversation !== undefined) return this.goOn(order, order.conversation);
    // Nobody looks into the workspace where the rest has decided already.
    const first = this.decide(order, undefined);
    if (first.engine === 'claude-code') return new HybridPlace(first, await this.claudeCode.take(order));
    const place = await this.attempt(order);
    try {
      const decision = this.decide(order, await place.survey());
      if (decision.engine === 'messages') return this.withFallback(order, decision, place);
      await place.close();
      return new HybridPlace(decision, await this.claudeCode.take(order));
    } catch (error) {
      await place.close();
      throw error;
    }
  }

  /** Whoever has begun a conversation goes on in it. */
  private async goOn(order: AgentOrder, conversation: Buffer): Promise<AgentPlace> {
    const engine = isMessagesConversation(conversation) ? 'messages' : 'claude-code';
    const reasons = [`it goes on in a conversation of ${engine}`];
    const decision: Decision = { engine, score: 0, threshold: this.config.values.HYBRID_THRESHOLD, reasons };
    if (engine === 'claude-code') return new HybridPlace(decision, await this.claudeCode.take(order));
    return this.withFallback(order, decision, await this.attempt(order));
  }

  private attempt(order: AgentOrder): Promise<MessagesPlace> {
    const maxTurns = Math.min(this.config.values.HYBRID_MAX_TURNS, order.task.limits.maxTurns);
    return this.messages.attempt(order, { maxTurns, mayHandOver: true });
  }

  private withFallback(order: AgentOrder, decision: Decision, place: MessagesPlace): HybridPlace {
    return new HybridPlace(decision, place, (handed) => this.handOver(order, handed, place));
  }

  /** Claude Code knows nothing of a conversation that was not its own: it begins one, with what was learned. */
  private handOver(order: AgentOrder, handed: HandedOver, place: MessagesPlace): Promise<AgentPlace> {
    const { HYBRID_LEARNED_CHARS } = this.config.values;
    const prompt = withLearned(order.task.prompt, handed, place.deeds(), HYBRID_LEARNED_CHARS);
    return this.claudeCode.take({ ...order, conversation: undefined, task: { ...order.task, prompt } });
  }

  private decide({ task, egress }: AgentOrder, size: Size | undefined): Decision {
    const { HYBRID_WEIGHTS, HYBRID_THRESHOLD } = this.config.values;
    const { command, prompt, access, files } = task;
    const asked: Asked = { command, prompt, access, files, hosts: egress !== undefined };
    return decide(asked, size, HYBRID_WEIGHTS, HYBRID_THRESHOLD);
  }
}
