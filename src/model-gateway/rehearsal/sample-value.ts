/** Makes a value that fits a JSON schema, seeded with facts, so that a rehearsed answer is about the real files. */
import { extname } from 'node:path';

export interface Facts {
  /** Paths as the tools showed them. */
  files: readonly string[];
  /** One sentence on what was asked and seen. */
  summary: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** Schemas may refer to themselves; deeper than this, only what is required is made. */
const MAX_DEPTH = 6;
const LANGUAGES: Readonly<Record<string, string>> = {
  '.ts': 'TypeScript',
  '.js': 'JavaScript',
  '.py': 'Python',
  '.go': 'Go',
  '.rs': 'Rust',
  '.java': 'Java',
};
const FORMATS: Readonly<Record<string, string>> = {
  date: '2000-01-01',
  'date-time': '2000-01-01T00:00:00Z',
  uri: 'https://example.com/',
  email: 'nobody@example.com',
  uuid: '00000000-0000-4000-8000-000000000000',
};

export function sampleValue(root: Schema, facts: Facts): unknown {
  return make(root, '', 0);

  function make(given: unknown, name: string, nth: number, depth = 0): unknown {
    const schema = resolve(given);
    if ('const' in schema) return schema.const;
    if ('default' in schema) return schema.default;
    if (Array.isArray(schema.enum)) return schema.enum[0];
    for (const choice of ['anyOf', 'oneOf'] as const)
      if (Array.isArray(schema[choice])) return make(schema[choice][0], name, nth, depth);
    if (Array.isArray(schema.allOf))
      return Object.assign({}, ...schema.allOf.map((part) => make(part, name, nth, depth))) as unknown;
    switch (typeOf(schema)) {
      case 'object':
        return makeObject(schema, nth, depth);
      case 'array': {
        const wanted = name.length > 0 && depth < MAX_DEPTH ? Math.min(facts.files.length, 3) : 0;
        const length = clamp(wanted, schema.minItems, schema.maxItems);
        return Array.from({ length }, (_, index) => make(schema.items, name, index, depth + 1));
      }
      case 'string':
        return makeString(schema, name, nth);
      case 'integer':
      case 'number':
        return clamp(
          /count|total|files/i.test(name) ? facts.files.length : 1,
          schema.minimum,
          schema.maximum,
        );
      case 'boolean':
        return false;
      default:
        return null;
    }
  }

  function makeObject(schema: Schema, nth: number, depth: number): Record<string, unknown> {
    const required = Array.isArray(schema.required) ? schema.required : [];
    const properties = Object.entries(asSchema(schema.properties));
    const wanted = properties.filter(([key]) => depth < MAX_DEPTH || required.includes(key));
    return Object.fromEntries(wanted.map(([key, value]) => [key, make(value, key, nth, depth + 1)]));
  }

  function makeString(schema: Schema, name: string, nth: number): string {
    const file = facts.files[nth % Math.max(1, facts.files.length)] ?? 'README.md';
    const format = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined;
    const text =
      format ??
      (/file|path/i.test(name)
        ? file
        : /language/i.test(name)
          ? (LANGUAGES[extname(file)] ?? 'text')
          : /title|name|^id$/i.test(name)
            ? `Rehearsed note on ${file}`
            : facts.summary);
    const { minLength, maxLength } = schema;
    const padded = typeof minLength === 'number' ? text.padEnd(minLength, '.') : text;
    return typeof maxLength === 'number' ? padded.slice(0, maxLength) : padded;
  }

  /** Follows `$ref: '#/…'` inside the same document. */
  function resolve(given: unknown): Schema {
    const schema = asSchema(given);
    const reference = schema.$ref;
    if (typeof reference !== 'string' || !reference.startsWith('#')) return schema;
    const path = reference.split('/').slice(1);
    return resolve(
      path.reduce<unknown>((at, key) => asSchema(at)[key.replaceAll('~1', '/').replaceAll('~0', '~')], root),
    );
  }
}

function asSchema(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? (value as Schema) : {};
}

/** The first type that is not null; an object when properties are given without one. */
function typeOf(schema: Schema): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return (type as unknown[]).find((one) => one !== 'null') ?? 'null';
  return type ?? ('properties' in schema ? 'object' : 'string');
}

function clamp(value: number, min: unknown, max: unknown): number {
  return Math.min(
    Math.max(value, typeof min === 'number' ? min : -Infinity),
    typeof max === 'number' ? max : Infinity,
  );
}
