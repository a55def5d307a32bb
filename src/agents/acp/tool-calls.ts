/** The tool calls of one task as an agent tells them, in pieces: merged, and told as events once each. */
import { z } from 'zod';
import type { ToolKind } from '@agentclientprotocol/sdk';
import type { AgentEvent } from '../agent-engine.js';

/** Calls that are known at once, so that a piece which comes late is not taken for another call; the oldest are forgotten. */
const REMEMBERED = 1000;

const KINDS = [
  ...([
    'read',
    'edit',
    'delete',
    'move',
    'search',
    'execute',
    'think',
    'fetch',
    'switch_mode',
    'other',
  ] as const),
] satisfies ToolKind[];

const part = z.looseObject({
  type: z.string(),
  content: z.looseObject({ type: z.string(), text: z.string().optional() }).optional(),
  path: z.string().optional(),
});

/** Of a call or an update of one; whatever else is told, or has another form, is left out. */
export const toolCall = z.looseObject({
  toolCallId: z.string(),
  title: z.string().nullish().catch(undefined),
  name: z.string().nullish().catch(undefined),
  kind: z.enum(KINDS).nullish().catch('other'),
  status: z.string().nullish().catch(undefined),
  content: z.array(part).nullish().catch(undefined),
  locations: z
    .array(z.object({ path: z.string() }))
    .nullish()
    .catch(undefined),
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
});
export type ToolCallPart = z.infer<typeof toolCall>;

/** Names for agents that tell none; the tools that other engines have as well are called as there. */
const NAME_OF: Readonly<Record<ToolKind, string>> = {
  read: 'Read',
  search: 'Search',
  edit: 'Edit',
  delete: 'Delete',
  move: 'Move',
  execute: 'Bash',
  think: 'Think',
  fetch: 'Fetch',
  switch_mode: 'SwitchMode',
  other: 'Other',
};

interface Call {
  name?: string;
  title?: string;
  kind?: ToolKind;
  input?: unknown;
  output?: unknown;
  content?: z.infer<typeof part>[];
  paths: string[];
  told: boolean;
  ended: boolean;
}

export class ToolCalls {
  private readonly calls = new Map<string, Call>();

  kindOf(id: string): ToolKind {
    return this.calls.get(id)?.kind ?? 'other';
  }

  /**
   * What the next piece is worth telling: a call when its input is known whole, which that of one that is still announced
   * (`pending`) is not, and its result when it has ended.
   */
  take(piece: ToolCallPart): AgentEvent[] {
    const call = this.merge(piece);
    if (call.ended) return [];
    const ended = piece.status === 'completed' || piece.status === 'failed';
    const begun = piece.status === 'in_progress' || (piece.status !== 'pending' && !isEmpty(piece.rawInput));
    const events = ended || begun ? this.tell(piece.toolCallId) : [];
    if (!ended) return events;
    return [...events, ...this.end(piece.toolCallId, outputOf(call), piece.status === 'failed')];
  }

  /** Of a call that is not allowed: it has ended here, whether or not the agent tells so as well. */
  refuse(id: string): AgentEvent[] {
    const events = this.tell(id);
    return [...events, ...this.end(id, `The tool ${this.nameOf(id)} is not available here.`, true)];
  }

  /** The call, if it has not been told: it is about to run. */
  tell(id: string): AgentEvent[] {
    const call = this.calls.get(id);
    if (call === undefined || call.told) return [];
    call.told = true;
    const input = isEmpty(call.input) ? { title: call.title ?? '', paths: call.paths } : call.input;
    return [{ type: 'agent.tool_use', data: { id, name: this.nameOf(id), input } }];
  }

  private end(id: string, output: string, isError: boolean): AgentEvent[] {
    const call = this.calls.get(id);
    if (call === undefined || call.ended) return [];
    call.ended = true;
    return [{ type: 'agent.tool_result', data: { id, output, isError } }];
  }

  private nameOf(id: string): string {
    const call = this.calls.get(id);
    return call?.name ?? NAME_OF[call?.kind ?? 'other'];
  }

  private merge(piece: ToolCallPart): Call {
    const { toolCallId, title, name, kind, content, locations, rawInput, rawOutput } = piece;
    const call = this.calls.get(toolCallId) ?? { paths: [], told: false, ended: false };
    call.title = title ?? call.title;
    call.name = name ?? call.name;
    call.kind = kind ?? call.kind;
    call.content = content ?? call.content;
    call.paths = locations?.map(({ path }) => path) ?? call.paths;
    call.input = isEmpty(rawInput) ? call.input : rawInput;
    call.output = rawOutput ?? call.output;
    this.calls.set(toolCallId, call);
    const oldest = this.calls.keys().next().value;
    if (this.calls.size > REMEMBERED && oldest !== undefined) this.calls.delete(oldest);
    return call;
  }
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/** What the tool said, else what the agent shows of it. */
function outputOf({ content = [], output }: Call): string {
  if (typeof output === 'string') return output;
  const shown = content.map(textOf).filter((text) => text !== '');
  if (shown.length > 0) return shown.join('\n');
  return output === undefined ? '' : JSON.stringify(output);
}

function textOf({ type, content, path }: z.infer<typeof part>): string {
  if (type === 'diff') return `Changed ${path ?? 'a file'}.`;
  if (content === undefined) return '';
  return content.text ?? `[${content.type}]`;
}
