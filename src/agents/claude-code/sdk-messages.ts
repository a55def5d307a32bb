/** Reads the Agent SDK's messages: what of them is an event of ours, and how a session ended. */
import type { SDKMessage, SDKResultMessage } from '@anthropic-ai/claude-agent-sdk/core';
import { ClaudeCodeError } from '../../errors/claude-code.error.js';
import type { AgentEvent, AgentOutcome } from '../agent-engine.js';

/** Text and thinking come as deltas; tool calls and their results come whole, with the message that holds them. */
export function eventsOf(message: SDKMessage): AgentEvent[] {
  switch (message.type) {
    case 'stream_event':
      return deltaOf(message.event);
    case 'assistant':
      return message.message.content
        .filter((block) => block.type === 'tool_use')
        .map(({ id, name, input }) => ({ type: 'agent.tool_use', data: { id, name, input } }));
    case 'user':
      return toolResultsOf(message.message.content);
    default:
      return [];
  }
}

type StreamEvent = Extract<SDKMessage, { type: 'stream_event' }>['event'];
type UserContent = Extract<SDKMessage, { type: 'user' }>['message']['content'];

function deltaOf(event: StreamEvent): AgentEvent[] {
  if (event.type !== 'content_block_delta') return [];
  const { delta } = event;
  if (delta.type === 'text_delta') return [{ type: 'agent.text', data: { text: delta.text } }];
  if (delta.type === 'thinking_delta') return [{ type: 'agent.thinking', data: { text: delta.thinking } }];
  return [];
}

function toolResultsOf(content: UserContent): AgentEvent[] {
  if (typeof content === 'string') return [];
  return content.flatMap((block): AgentEvent[] =>
    block.type === 'tool_result'
      ? [
          {
            type: 'agent.tool_result',
            data: { id: block.tool_use_id, output: textOf(block.content), isError: block.is_error === true },
          },
        ]
      : [],
  );
}

/** Text parts as they are; of other parts (images) only their kind. */
function textOf(
  content: string | readonly ({ type: string } | { type: 'text'; text: string })[] | undefined,
): string {
  if (content === undefined || typeof content === 'string') return content ?? '';
  return content.map((part) => ('text' in part ? part.text : `[${part.type}]`)).join('\n');
}

/** Of an answer that is whole; one given as an object is given through a tool. */
const FINISHED: ReadonlySet<string | null> = new Set(['end_turn', 'tool_use']);

/** @throws ClaudeCodeError E005 when the session ended in an error, E011 when its turns were used up */
export function outcomeOf(result: SDKResultMessage): AgentOutcome {
  if (result.subtype === 'success' && !result.is_error)
    return {
      text: result.result,
      ...(isObject(result.structured_output) ? { structured: result.structured_output } : {}),
      complete: FINISHED.has(result.stop_reason),
    };
  if (result.subtype === 'error_max_turns')
    throw new ClaudeCodeError(
      'E011',
      `The agent used up its ${result.num_turns} turns (CLAUDE_CODE_MAX_TURNS).`,
    );
  const said = result.subtype === 'success' ? result.result : result.errors.join('; ');
  throw new ClaudeCodeError('E005', 'The agent could not finish.', {
    details: { reason: result.subtype === 'success' ? 'error_during_execution' : result.subtype },
    cause: new Error(said),
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
