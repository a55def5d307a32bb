/** Whether an answer has the form that was asked for. */
import { z } from 'zod';
import type { JsonSchema } from './agent-task.js';

/** What is wrong with it, for the model; undefined when it fits. */
export function shapeProblem(value: unknown, schema: JsonSchema): string | undefined {
  const { error } = z.fromJSONSchema(schema).safeParse(value);
  return error && z.prettifyError(error);
}
