/** Redacts a stream of agent events, also where a secret is split over several of them. */
import type { Redactor } from './redactor.js';

interface TextEvent {
  type: 'agent.text' | 'agent.thinking';
  data: { text: string };
}
const isText = (event: { type: string; data: unknown }): event is TextEvent =>
  event.type === 'agent.text' || event.type === 'agent.thinking';

/**
 * Text that may be the beginning of a secret waits for the piece after it; everything else passes at once. Text of one
 * kind that is followed by another event has ended there, so nothing waits longer than that.
 */
export async function* redactEvents<Event extends { type: string; data: unknown }, Outcome>(
  events: AsyncGenerator<Event, Outcome, void> | Generator<Event, Outcome, void>,
  redactor: Redactor,
): AsyncGenerator<Event, Outcome, void> {
  let open: TextEvent | undefined;
  try {
    for (;;) {
      const next = await events.next();
      const event = next.done === true ? undefined : next.value;
      if (open !== undefined && open.type !== event?.type) {
        yield redactor.value(open) as unknown as Event; // it came in as one
        open = undefined;
      }
      if (next.done === true) return redactor.value(next.value);
      if (!isText(next.value)) {
        yield redactor.value(next.value);
        continue;
      }
      const { type } = next.value;
      const { safe, open: rest } = redactor.divide((open?.data.text ?? '') + next.value.data.text);
      open = rest === '' ? undefined : { type, data: { text: rest } };
      if (safe !== '') yield { ...next.value, data: { text: safe } };
    }
  } finally {
    // The reader stopped early or the engine threw: the engine must be able to clean up.
    await events.return(undefined as Outcome);
  }
}
