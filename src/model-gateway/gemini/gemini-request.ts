/** The bodies of requests to the Gemini API, as far as the gateway looks into them. */
import { z } from 'zod';
import { mustBeListed, parseBody } from '../request-body.js';
import type { Ask } from '../wire.js';

/**
 * The service takes each name in two spellings (`maxOutputTokens`, `max_output_tokens`). Only the one that the gateway
 * reads passes, so that what it bounds is what counts.
 */
const oneSpelling = (value: object) => Object.keys(value).every((name) => !name.includes('_'));
const ONE_SPELLING = 'names are written as maxOutputTokens is, without _';

const generationConfig = z
  .looseObject({
    maxOutputTokens: z.number().int().positive().optional(),
    candidateCount: z.literal(1).optional(),
  })
  .refine(oneSpelling, ONE_SPELLING);

/** Tools that the provider runs itself (search, addresses, code) reach hosts that nobody granted. */
const tools = z.array(z.strictObject({ functionDeclarations: z.array(z.unknown()) })).optional();

const generate = z.strictObject({
  contents: z.array(z.unknown()),
  systemInstruction: z.unknown().optional(),
  generationConfig: generationConfig.optional(),
  tools,
  toolConfig: z.unknown().optional(),
  safetySettings: z.unknown().optional(),
  labels: z.unknown().optional(),
});

const count = z.strictObject({ contents: z.array(z.unknown()) });

/** @throws ApiError 400, 404 */
export function readGenerate(body: Buffer, model: string, models: readonly string[]): Ask {
  mustBeListed(model, models);
  const request = parseBody(body, generate, 'Gemini API');
  const wanted = request.generationConfig?.maxOutputTokens;
  return {
    maxTokens: wanted,
    body: (granted) =>
      granted === undefined || (wanted !== undefined && wanted <= granted)
        ? request
        : { ...request, generationConfig: { ...request.generationConfig, maxOutputTokens: granted } },
  };
}

/** @throws ApiError 400, 404 */
export function readCount(body: Buffer, model: string, models: readonly string[]): Ask {
  mustBeListed(model, models);
  const request = parseBody(body, count, 'Gemini API');
  return { body: () => request };
}
