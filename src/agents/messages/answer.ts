/** One answer of the Messages API while it streams: its events for the log, and in the end the whole of it. */
import type Anthropic from '@anthropic-ai/sdk';
import { assertPlainJson } from '../../errors/plain-json.js';
import type { AgentEvent } from '../agent-engine.js';
import type { Said } from './dialogue.js';

export interface Answer {
  content: Said[];
  stopReason: Anthropic.StopReason | null;
  /** Tokens of the whole request, from the cache or not. */
  promptTokens: number;
  /** Ids of tool calls whose input is no plain JSON object: cut in the middle, mostly. */
  broken: ReadonlySet<string>;
}

/** The answer ended before it was whole. */
export class CutAnswer extends Error {
  override readonly name = 'CutAnswer';
}

/** @throws CutAnswer; whatever the stream throws */
export async function* readAnswer(
  stream: AsyncIterable<Anthropic.RawMessageStreamEvent>,
): AsyncGenerator<AgentEvent, Answer, void> {
  const content: Said[] = [];
  const broken = new Set<string>();
  let [json, promptTokens, isWhole]: [string, number, boolean] = ['', 0, false];
  let open: Said | undefined;
  let stopReason: Answer['stopReason'] = null;
  for await (const event of stream) {
    switch (event.type) {
      case 'message_start': {
        const {
          input_tokens: fresh,
          cache_creation_input_tokens: kept,
          cache_read_input_tokens: read,
        } = event.message.usage;
        promptTokens = fresh + (kept ?? 0) + (read ?? 0);
        break;
      }
      case 'content_block_start':
        open = begun(event.content_block);
        json = '';
        break;
      case 'content_block_delta': {
        const { delta } = event;
        if (delta.type === 'input_json_delta') json += delta.partial_json;
        const told = open && grown(open, delta);
        if (told !== undefined) yield told;
        break;
      }
      case 'content_block_stop':
        if (open?.type === 'tool_use' && !takeInput(open, json)) broken.add(open.id);
        // The API refuses a text without a character when it is sent back.
        if (open !== undefined && !(open.type === 'text' && open.text === '')) content.push(open);
        open = undefined;
        break;
      case 'message_delta':
        stopReason = event.delta.stop_reason;
        break;
      case 'message_stop':
        isWhole = true;
    }
  }
  if (!isWhole) throw new CutAnswer('the answer of the model service ended early');
  return { content, stopReason, promptTokens, broken };
}

function begun(block: Anthropic.ContentBlock): Said | undefined {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '' };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'redacted_thinking':
      return { type: 'redacted_thinking', data: block.data };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: {} };
    default:
      return undefined; // tools of the service, which are not offered
  }
}

function grown(open: Said, delta: Anthropic.RawContentBlockDelta): AgentEvent | undefined {
  if (open.type === 'text' && delta.type === 'text_delta') {
    open.text += delta.text;
    return { type: 'agent.text', data: { text: delta.text } };
  }
  if (open.type !== 'thinking') return undefined;
  if (delta.type === 'signature_delta') open.signature += delta.signature;
  if (delta.type !== 'thinking_delta') return undefined;
  open.thinking += delta.thinking;
  return { type: 'agent.thinking', data: { text: delta.thinking } };
}

/** False when it is no object, or nested without end; what is sent back must be one. */
function takeInput(call: Extract<Said, { type: 'tool_use' }>, json: string): boolean {
  try {
    const input: unknown = json === '' ? {} : JSON.parse(json);
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
    // Whoever walks it later (redaction, the log) does so recursively.
    assertPlainJson(input);
    call.input = input as Record<string, unknown>;
    return true;
  } catch {
    return false;
  }
}
