/** One task with whoever it was given to; handed over once, from the Messages API to Claude Code. */
import type { AgentEvent, AgentOutcome, AgentPlace, AgentRun } from '../agent-engine.js';
import { HandedOver } from '../messages/handed-over.js';
import type { Decision } from './decision.js';
import { JoinedRoute } from './joined-route.js';

export class HybridPlace implements AgentPlace {
  readonly route: JoinedRoute;

  /**
   * @param decision told before anything else
   * @param place of the engine that was decided for
   * @param stronger provides a place for what that one gave up; undefined when it is the strongest already
   */
  constructor(
    private readonly decision: Decision,
    private place: AgentPlace,
    private readonly stronger?: (handed: HandedOver) => Promise<AgentPlace>,
  ) {
    this.route = new JoinedRoute(place.route);
  }

  async *run(run: AgentRun): AsyncGenerator<AgentEvent, AgentOutcome, void> {
    const { engine: name, ...why } = this.decision;
    yield { type: 'agent.engine', data: { name, ...why } };
    try {
      return yield* this.place.run(run);
    } catch (error) {
      if (!(error instanceof HandedOver) || this.stronger === undefined) throw error;
      run.signal.throwIfAborted();
      const { score, threshold } = this.decision;
      const reasons = [`handed over: ${error.reason}`];
      yield {
        type: 'agent.engine',
        data: { name: 'claude-code', score, threshold, reasons, handedOver: true },
      };
      this.place = await this.stronger(error);
      this.route.moveTo(this.place.route);
      return yield* this.place.run(run);
    }
  }

  conversation(): Buffer | undefined {
    return this.place.conversation();
  }

  close(): Promise<void> {
    return this.place.close();
  }
}
