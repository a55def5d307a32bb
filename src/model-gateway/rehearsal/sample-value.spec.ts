import { z } from 'zod';
import { sampleValue } from './sample-value.js';

const facts = { files: ['src/a.ts', 'b.py'], summary: 'Looked at two files.' };
type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

describe('sampleValue', () => {
  it.each<[string, JsonSchema]>([
    [
      'nested objects and arrays',
      {
        type: 'object',
        properties: {
          a: {
            type: 'array',
            items: {
              type: 'object',
              properties: { n: { type: 'number', minimum: 5, maximum: 9 } },
              required: ['n'],
            },
          },
        },
        required: ['a'],
      },
    ],
    [
      'bounds',
      {
        type: 'object',
        properties: {
          s: { type: 'string', minLength: 200 },
          t: { type: 'string', maxLength: 3 },
          l: { type: 'array', items: { type: 'string' }, minItems: 4, maxItems: 4 },
        },
        required: ['s', 't', 'l'],
      },
    ],
    [
      'choices',
      {
        type: 'object',
        properties: {
          e: { enum: ['x', 'y'] },
          c: { const: 7 },
          u: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
          n: { type: ['null', 'boolean'] },
        },
        required: ['e', 'c', 'u', 'n'],
      },
    ],
    [
      'references',
      {
        $defs: {
          item: {
            type: 'object',
            properties: { name: { type: 'string' } },
            required: ['name'],
            additionalProperties: false,
          },
        },
        type: 'object',
        properties: { one: { $ref: '#/$defs/item' } },
        required: ['one'],
      },
    ],
    [
      'formats',
      {
        type: 'object',
        properties: { at: { type: 'string', format: 'date-time' }, id: { type: 'string', format: 'uuid' } },
        required: ['at', 'id'],
      },
    ],
  ])('fits a schema with %s', (_, schema) => {
    const result = z.fromJSONSchema(schema).safeParse(sampleValue(schema as Record<string, unknown>, facts));
    expect(result.error).toBeUndefined();
  });

  it('ends on a schema that refers to itself', () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#' } } },
      required: ['name'],
    };
    const result = z.fromJSONSchema(schema as JsonSchema).safeParse(sampleValue(schema, facts));
    expect(result.error).toBeUndefined();
  });

  it('speaks of the files that were seen', () => {
    const issue = { type: 'object', properties: { file: { type: 'string' }, language: { type: 'string' } } };
    const schema = {
      type: 'object',
      properties: {
        issues: { type: 'array', items: issue },
        fileCount: { type: 'integer' },
        summary: { type: 'string' },
      },
    };
    expect(sampleValue(schema, facts)).toEqual({
      issues: [
        { file: 'src/a.ts', language: 'TypeScript' },
        { file: 'b.py', language: 'Python' },
      ],
      fileCount: 2,
      summary: facts.summary,
    });
  });
});
