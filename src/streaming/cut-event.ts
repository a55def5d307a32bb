/** Cuts an event's data to EVENT_MAX_BYTES for streams; the log keeps it whole. */
import type { ExecutionEvent } from '../execution/execution-event.js';

/** Strings and lists start at this length and are halved until the data fits. */
const FIRST_LENGTH = 32 * 1024;

/**
 * The event itself when its data fits, else one whose long strings and lists are cut and whose data says
 * `truncated: true`. The end of an execution always comes whole: a client may have nothing else.
 * @param maxBytes of the data as JSON in UTF-8
 */
export function cutEvent(event: ExecutionEvent, maxBytes: number): ExecutionEvent {
  if (event.type === 'execution.finished' || bytesOf(event.data) <= maxBytes) return event;
  for (let length = FIRST_LENGTH; length >= 1; length /= 2) {
    const data = { ...(shorten(event.data, length) as object), truncated: true };
    // The shape is the same, only shorter: what was a string or a list still is one.
    if (bytesOf(data) <= maxBytes) return { ...event, data } as unknown as ExecutionEvent;
  }
  return { ...event, data: { truncated: true } } as unknown as ExecutionEvent;
}

const bytesOf = (data: unknown): number => Buffer.byteLength(JSON.stringify(data));

function shorten(value: unknown, length: number): unknown {
  if (typeof value === 'string') return value.slice(0, length).toWellFormed();
  if (Array.isArray(value)) return value.slice(0, length).map((item) => shorten(item, length));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .slice(0, length)
        .map(([key, item]) => [key.slice(0, length), shorten(item, length)]),
    );
  return value;
}
