/** Text that every part of the way can carry: no NUL (PostgreSQL cannot store it), no lone surrogate (not UTF-8). */
import { ValidateBy } from 'class-validator';

export const isPlainText = (value: unknown): value is string =>
  typeof value === 'string' && value.isWellFormed() && !value.includes('\0');

export const IsPlainText = (): PropertyDecorator =>
  ValidateBy({
    name: 'isPlainText',
    validator: {
      validate: isPlainText,
      defaultMessage: () => '$property must be a string without NUL characters and lone surrogates',
    },
  });
