/** What was said in earlier tasks, in words: an agent's own memory ends with its sandbox, so it is told again. */
import { z } from 'zod';
import type { Redactor } from '../../redaction/redactor.js';
import type { AgentEvent } from '../agent-engine.js';

const exchange = z.object({
  asked: z.string(),
  /** The tools that were used, with what they were used for. */
  did: z.array(z.string()),
  said: z.string(),
});
type Exchange = z.infer<typeof exchange>;

/** Characters of a tool's input: enough for a path or a command. */
const INPUT_CHARS = 200;

export class Conversation {
  private readonly before: Exchange[];
  private readonly now: Exchange;

  /**
   * @param asked the prompt as the user wrote it
   * @param kept as `content` gave it
   */
  constructor(asked: string, kept: Buffer | undefined) {
    this.before = kept === undefined ? [] : z.array(exchange).parse(JSON.parse(kept.toString('utf8')));
    this.now = { asked, did: [], said: '' };
  }

  /** Hears along. */
  hear(event: AgentEvent): void {
    if (event.type === 'agent.text') this.now.said += event.data.text;
    if (event.type === 'agent.tool_use')
      this.now.did.push(`${event.data.name} ${JSON.stringify(event.data.input).slice(0, INPUT_CHARS)}`);
  }

  /** What came before this task, for the agent; undefined when nothing did. */
  get told(): string | undefined {
    if (this.before.length === 0) return undefined;
    const parts = this.before.map(({ asked, did, said }) =>
      [`User: ${asked}`, ...did.map((deed) => `You used: ${deed}`), `You: ${said}`].join('\n'),
    );
    return ['You go on in a conversation with the same user. So far:', ...parts].join('\n\n');
  }

  /** To go on from, without secrets; undefined when it is larger than may be kept. */
  content(maxBytes: number, redactor: Redactor): Buffer | undefined {
    const bytes = Buffer.from(JSON.stringify(redactor.value([...this.before, this.now])));
    return bytes.length > maxBytes ? undefined : bytes;
  }
}
