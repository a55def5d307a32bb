/** The wire format of each provider. */
import type { Provider } from '../config/acp-agents.js';
import { messagesWire } from './anthropic/messages-wire.js';
import { geminiWire } from './gemini/gemini-wire.js';
import { openaiWire } from './openai/openai-wire.js';
import type { Wire } from './wire.js';

export const WIRES = {
  anthropic: messagesWire,
  openai: openaiWire,
  gemini: geminiWire,
} as const satisfies Record<Provider, Wire>;
