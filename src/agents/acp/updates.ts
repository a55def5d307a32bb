/** Reads what an agent tells while it works: which of it is an event of ours, and what it has said in the end. */
import { z } from 'zod';
import type { AgentEvent } from '../agent-engine.js';
import { toolCall, ToolCalls } from './tool-calls.js';

const text = z.object({ content: z.object({ type: z.literal('text'), text: z.string() }) });
const update = z.discriminatedUnion('sessionUpdate', [
  text.extend({ sessionUpdate: z.literal('agent_message_chunk') }),
  text.extend({ sessionUpdate: z.literal('agent_thought_chunk') }),
  toolCall.extend({ sessionUpdate: z.enum(['tool_call', 'tool_call_update']) }),
  z.object({
    sessionUpdate: z.literal('plan'),
    entries: z.array(z.object({ content: z.string(), status: z.string() })),
  }),
]);
const notification = z.object({ sessionId: z.string(), update });

export class Updates {
  readonly calls = new ToolCalls();
  private said = '';

  /** What was said since the last tool ran: the answer, when the turn is over. */
  get answer(): string {
    return this.said;
  }

  /** A new turn of the user begins. */
  begin(): void {
    this.said = '';
  }

  /** @param params of `session/update`, unchecked: what is no update of this session, or of no use here, is nothing */
  eventsOf(params: unknown, sessionId: string): AgentEvent[] {
    const parsed = notification.safeParse(params);
    if (!parsed.success || parsed.data.sessionId !== sessionId) return [];
    const { update: told } = parsed.data;
    switch (told.sessionUpdate) {
      case 'agent_message_chunk':
        this.said += told.content.text;
        return [{ type: 'agent.text', data: { text: told.content.text } }];
      case 'agent_thought_chunk':
        return [{ type: 'agent.thinking', data: { text: told.content.text } }];
      case 'plan':
        return [{ type: 'agent.thinking', data: { text: planText(told.entries) } }];
      default:
        this.said = '';
        return this.calls.take(told);
    }
  }
}

const MARKS: Readonly<Record<string, string>> = { completed: 'x', in_progress: '>' };

const planText = (entries: readonly { content: string; status: string }[]): string =>
  ['Plan:', ...entries.map(({ content, status }) => `[${MARKS[status] ?? ' '}] ${content}`), ''].join('\n');
