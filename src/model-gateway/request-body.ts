/** What the requests of all providers have in common: JSON that fits, and a model that may be asked for. */
import { z } from 'zod';
import { ApiError } from './api-error.js';
import { modelName } from './pricing.js';
import { parseJson } from './tally.js';

/** @throws ApiError 400 */
export const parseBody = <T extends z.ZodType>(body: Buffer, schema: T, service: string): z.infer<T> =>
  checkBody(jsonOf(body), schema, service);

/** The same of one that is no text. @throws ApiError 400 */
export function checkBody<T extends z.ZodType>(body: unknown, schema: T, service: string): z.infer<T> {
  const parsed = schema.safeParse(body);
  if (!parsed.success)
    throw new ApiError(400, `not a request to the ${service}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** @param models names, without date. @throws ApiError 404 */
export function mustBeListed(model: string, models: readonly string[]): void {
  if (!models.includes(model) && !models.includes(modelName(model)))
    throw new ApiError(404, `model: ${model} is not one of those that may be asked for`);
}

function jsonOf(body: Buffer): unknown {
  const value = parseJson(body.toString('utf8'));
  if (value === undefined) throw new ApiError(400, 'the body is not JSON');
  return value;
}
