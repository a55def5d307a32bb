/** What the stand-in can do in one answer, one step after another. */

export type Step =
  | { kind: 'text' | 'think'; text: string }
  /** `count` pieces of text, one every so many milliseconds. */
  | { kind: 'deltas'; count: number; everyMs: number; of: string }
  /** Ends the answer: the agent carries it out and asks again. */
  | { kind: 'tool'; name: string; input: Record<string, unknown> }
  | { kind: 'wait'; ms: number }
  /** Replaces the counts that the answer reports. */
  | { kind: 'usage'; input?: number; output?: number }
  | { kind: 'echo-request' }
  /** In a batch: it is not begun before the batch is over. */
  | { kind: 'expire' }
  | { kind: 'end' }
  | Fault;

/** Something that goes wrong; with `times`, only that often per conversation, then the answer goes on after it. */
export type Fault = { times?: number } & (
  | { kind: 'status'; status: number; retryAfter?: number }
  | { kind: 'hang' }
  /** The connection ends; `early`: before the first byte. */
  | { kind: 'cut'; early: boolean }
  | { kind: 'rubbish' }
);

/** The tool that the CLI adds when it is given a JSON schema. */
export const STRUCTURED_OUTPUT = 'StructuredOutput';
