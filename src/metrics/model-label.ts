/** A model's name as a label: one of those configured, `rehearsal`, or `other`. */
import type { Config } from '../config/config.js';

/** The service names models with the date of their release (`claude-…-20260101`); that is the same label. */
export function modelLabel(model: string, config: Config): string {
  if (model === 'rehearsal') return model;
  const { CLAUDE_CODE_MODELS, ACP_AGENTS } = config.values;
  const known = [...CLAUDE_CODE_MODELS, ...[...ACP_AGENTS.values()].flatMap(({ models }) => models)];
  return known.find((name) => model === name || /^-\d{8}$/.test(model.replace(name, ''))) ?? 'other';
}
