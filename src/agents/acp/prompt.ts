/** A task as words: the protocol knows no system prompt and no form of an answer, so both go along with what is asked. */
import type { ContentBlock } from '@agentclientprotocol/sdk';
import type { AgentTask, JsonSchema } from '../agent-task.js';

/**
 * The blocks of the first turn: what the command is about, then the prompt as the user wrote it.
 * @param before what was said before, if anything was
 */
export function promptOf(
  { systemPrompt, outputSchema, prompt }: AgentTask,
  before: string | undefined,
): ContentBlock[] {
  const instructions = [systemPrompt, ...(outputSchema === undefined ? [] : [formOf(outputSchema)])];
  const contexts = [...(before === undefined ? [] : [before]), instructions.join('\n')];
  return [...contexts.map((text) => block(`<context>\n${text}\n</context>`)), block(prompt)];
}

const formOf = (schema: JsonSchema): string =>
  `Give your final answer as one JSON object in a \`\`\`json block, with nothing after it. Its JSON schema:\n${JSON.stringify(schema)}`;

/** Said to an agent that forgot the form of its answer. */
export const reminder = (problem: string): ContentBlock[] => [
  block(
    `Your answer has not the form that was asked for:\n${problem}\nGive it again, whole, as one JSON object in a \`\`\`json block.`,
  ),
];

const FENCE = '```';

/** The object in an answer: its last block of JSON, or all of it; undefined when it is none. */
export function objectIn(answer: string): Record<string, unknown> | undefined {
  const end = answer.lastIndexOf(FENCE);
  const start = end === -1 ? -1 : answer.lastIndexOf(`${FENCE}json`, end - 1);
  const text = start === -1 ? answer : answer.slice(start + FENCE.length + 'json'.length, end);
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function block(text: string): ContentBlock {
  return { type: 'text', text };
}
