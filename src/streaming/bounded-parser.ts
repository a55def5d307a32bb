/** socket.io's own parser, which looks at a message before it unfolds it; binary attachments it bounds itself (10). */
import { Decoder, Encoder } from 'socket.io-parser';
import { structureProblem } from '../errors/json-text.js';

class BoundedDecoder extends Decoder {
  /** @throws Error, which closes the connection: who sends this is no client that wants to be told a field */
  override add(packet: unknown): void {
    const problem = typeof packet === 'string' ? structureProblem(Buffer.from(packet)) : undefined;
    if (problem !== undefined) throw new Error(problem);
    super.add(packet);
  }
}

/** For the option `parser` of a server. */
export const boundedParser = { Encoder, Decoder: BoundedDecoder };
