/** The one validation of everything that comes in: unknown fields are refused, each problem is named by its path. */
import { type ArgumentMetadata, Injectable, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { assertPlainJson } from './plain-json.js';
import { type FieldProblem, invalidRequest } from './to-claude-code-error.js';

/** Set on a body's class that may be larger than MAX_VALUES. */
const MAX_VALUES_KEY = Symbol('MAX_VALUES');

export const MaxValues =
  (values: number): ClassDecorator =>
  (target) =>
    Reflect.defineMetadata(MAX_VALUES_KEY, values, target);

/** For HTTP (global) and for socket messages alike. @throws ClaudeCodeError E003 with `details: FieldProblem[]` */
@Injectable()
export class StrictValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => invalidRequest(errors.flatMap((error) => problemsOf(error, ''))),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'body') {
      // The parser takes nothing else: what came as another type is as good as not sent.
      if (value === undefined) throw invalidRequest([{ field: 'body', problem: 'must be application/json' }]);
      assertPlainJson(value, maxValuesOf(metadata));
    }
    return (await super.transform(value, metadata)) as unknown;
  }
}

const maxValuesOf = ({ metatype }: ArgumentMetadata): number | undefined =>
  metatype && (Reflect.getMetadata(MAX_VALUES_KEY, metatype) as number | undefined);

function problemsOf({ property, constraints, children }: ValidationError, parent: string): FieldProblem[] {
  const field = parent === '' ? property : `${parent}.${property}`;
  return [
    ...Object.values(constraints ?? {}).map((problem) => ({ field, problem })),
    ...(children ?? []).flatMap((child) => problemsOf(child, field)),
  ];
}
