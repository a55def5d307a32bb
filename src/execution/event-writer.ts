/** Writes one attempt's facts in order, joining text that comes in a quick run of small pieces. */
import type { EventLog } from './event-log.js';
import type { Fact } from './execution-event.js';

/**
 * Milliseconds within which text is joined into one event. Below what a reader sees as a pause, and it turns a
 * model's 2 ms deltas into 40 writes a second instead of 500.
 */
export const JOIN_WINDOW_MS = 25;

type TextFact = Extract<Fact, { type: 'agent.text' | 'agent.thinking' }>;
const isText = (fact: Fact): fact is TextFact => fact.type === 'agent.text' || fact.type === 'agent.thinking';

export class EventWriter {
  /** Text that waits for the end of the window. */
  private held: TextFact | undefined;
  private window: NodeJS.Timeout | undefined;
  /** Every append waits for the one before: the order of numbers is the order of facts. */
  private last: Promise<void> = Promise.resolve();

  /** @param onError called once with the first append that failed (FencedError, or the database's error) */
  constructor(
    private readonly log: EventLog,
    private readonly executionId: string,
    private readonly attempt: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Resolves when the fact is durable, or at once when it is held for the window. */
  async write(fact: Fact): Promise<void> {
    if (isText(fact) && this.window !== undefined) return this.hold(fact);
    if (isText(fact)) this.window = setTimeout(() => this.closeWindow(), JOIN_WINDOW_MS);
    await this.append([...this.takeHeld(), fact]);
  }

  /** Writes what is held; nothing may be written afterwards. */
  async close(): Promise<void> {
    clearTimeout(this.window);
    await this.append(this.takeHeld());
  }

  private async hold(fact: TextFact): Promise<void> {
    if (this.held?.type === fact.type)
      this.held = { ...fact, data: { text: this.held.data.text + fact.data.text } };
    else {
      const before = this.takeHeld();
      this.held = fact;
      await this.append(before);
    }
  }

  private closeWindow(): void {
    const held = this.takeHeld();
    this.window = held.length > 0 ? setTimeout(() => this.closeWindow(), JOIN_WINDOW_MS) : undefined;
    void this.append(held);
  }

  private takeHeld(): Fact[] {
    const held = this.held === undefined ? [] : [this.held];
    this.held = undefined;
    return held;
  }

  private append(facts: Fact[]): Promise<void> {
    if (facts.length > 0)
      this.last = this.last
        .then(() => this.log.append(this.executionId, this.attempt, facts))
        .catch((error: unknown) => this.onError(error));
    return this.last;
  }
}
