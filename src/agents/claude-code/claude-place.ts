/** One session as a place for one task: its events, its outcome, and its end in every case. */
import type { ModelRoute } from '../../model-gateway/model-gateway.js';
import type { AgentEvent, AgentOutcome, AgentPlace, AgentRun } from '../agent-engine.js';
import type { ClaudeSession } from './claude-session.js';
import { eventsOf, outcomeOf } from './sdk-messages.js';

export class ClaudePlace implements AgentPlace {
  constructor(
    private readonly session: ClaudeSession,
    /** To be called when the start is over. */
    private readonly calm: () => void,
  ) {}

  get route(): ModelRoute {
    return this.session.route;
  }

  run({ signal, mayAct }: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    this.session.begin(mayAct);
    return this.follow(signal);
  }

  conversation(): Buffer | undefined {
    return this.session.conversation();
  }

  async close(): Promise<void> {
    this.calm();
    await this.session.close();
  }

  private async *follow(signal: AbortSignal): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const { session } = this;
    const stop = () => session.stop();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    try {
      for await (const message of session.messages) {
        for (const event of eventsOf(message)) {
          this.calm();
          yield event;
        }
        if (message.type === 'result') return await this.settle(outcomeOf(message));
      }
      throw new Error('the session ended without a result');
    } catch (error) {
      throw await session.explain(error);
    } finally {
      signal.removeEventListener('abort', stop);
      await this.close();
    }
  }

  /** @throws ClaudeCodeError E015 when a limit was passed on the way to the result */
  private async settle(outcome: AgentOutcome): Promise<AgentOutcome> {
    const exceeded = await this.session.close();
    if (exceeded !== undefined) throw exceeded;
    return outcome;
  }
}
