/** What every refused call answers, to the last key: a field too many may be a leak, a field too few breaks a client. */
import { z } from 'zod';
import { ERROR_CATALOGUE, type ErrorCode } from '../../src/errors/catalogue.js';

const codes = Object.keys(ERROR_CATALOGUE) as [ErrorCode, ...ErrorCode[]];

export const errorBody = z.strictObject({
  code: z.enum(codes),
  message: z.string().min(1).max(1000),
  details: z.unknown().optional(),
});

const refusal = z.strictObject({
  success: z.literal(false),
  action: z.string().regex(/^([a-z][a-z-]{0,31})?$/),
  error: errorBody,
  metadata: z.strictObject({
    executionId: z.literal(''),
    duration: z.literal(0),
    tokensUsed: z.literal(0),
    model: z.literal(''),
  }),
});

/** Traces of the inside: host paths, stacks, names of libraries and of their errors. */
const INSIDE = /node_modules|\bat .*\.[jt]s:\d|\/tmp\/|\/work\/|SQLITE|Kysely|BadRequestException|undefined/;

/** The error of a refusal. @throws Error when the answer is no exact refusal, or its status does not fit its code */
export function refusalOf(answer: {
  status: number;
  headers: Headers;
  body: unknown;
}): z.infer<typeof errorBody> {
  const { error } = refusal.parse(answer.body);
  expect({ code: error.code, status: answer.status }).toEqual({
    code: error.code,
    status: ERROR_CATALOGUE[error.code].status,
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w.:-]{1,128}$/);
  if (error.code === 'E002' || error.code === 'E012')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(JSON.stringify(answer.body)).not.toMatch(INSIDE);
  return error;
}

/** The fields that an error's details name. */
export function fieldsOf({ details }: { details?: unknown }): string[] {
  return z
    .array(z.strictObject({ field: z.string(), problem: z.string() }))
    .parse(details)
    .map(({ field }) => field);
}
