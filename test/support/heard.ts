/** What a model has heard: the conversation of the last request that reached it, in the words of user and assistant. */
import type { RehearsalModel } from '../../src/model-gateway/rehearsal/rehearsal-model.js';

interface Body {
  model: string;
  system: { text: string }[];
  messages: { role: string; content: string | { type: string; text?: string }[] }[];
}

export function lastBody({ requests }: RehearsalModel): Body {
  return requests.findLast(({ method }) => method === 'POST')?.body as Body;
}

/** Each message as `role: text`; other blocks than text by their type; without what the CLI puts around. */
export function lastHeard(model: RehearsalModel): string[] {
  return lastBody(model)
    .messages.filter(({ role }) => role !== 'system')
    .map(({ role, content }) => {
      const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
      const words = blocks.map(({ type, text = '' }) => (type === 'text' ? text : `<${type}>`));
      return `${role}: ${words.filter((word) => !word.startsWith('<system-reminder>')).join(' ')}`;
    });
}
