/** A model's name as a label: one of those configured, `rehearsal`, or `other`. */
import type { Config } from '../config/config.js';

/** The service names models with the date of their release (`claude-…-20260101`); that is the same label. */
export function modelLabel(model: string, config: Config): string {
  if (model === 'rehearsal') return model;
  const known = config.values.CLAUDE_CODE_MODELS;
  return known.find((name) => model === name || /^-\d{8}$/.test(model.replace(name, ''))) ?? 'other';
}
