/** Lint rules: what the compiler cannot see. Type-aware throughout; every departure from the presets says why. */
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores([
    'dist/',
    'data/',
    'coverage/',
    '**/fixtures/',
    'test/support/demo-project/',
    // Generated from openapi.json.
    'src/client/api.ts',
  ]),
  // A rule that is wrong is changed here, with its reason, never switched off in place.
  { linterOptions: { noInlineConfig: true } },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only src/config reads the environment; inject Config.',
        },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/promise-function-async': 'off',
      // A Nest module is a class that holds only its decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // Numbers and booleans read well in messages; objects do not.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => emitter.emit(…)` and `return next()` are short, usual and clear.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // The one thing it finds is `Promise.withResolvers<void>()`, which is right.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // `limit: number = 50` in a DTO: the decorators' metadata come from the annotation alone.
      '@typescript-eslint/no-inferrable-types': ['error', { ignoreProperties: true }],
      // It does not see that a constant is used in a decorator; the compiler finds unused ones.
      'no-useless-assignment': 'off',
      // Control characters are what this house looks for: it refuses and escapes them.
      'no-control-regex': 'off',
      // An unused leading underscore parameter keeps the position of the ones after it.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // DTOs are classes only because class-validator needs them; a literal of the same shape is as good.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // Interfaces of the house declare methods and function properties alike; `type` for unions and one-liners.
      '@typescript-eslint/consistent-type-definitions': 'off',
    },
  },
  {
    // The only readers of the environment: the configuration itself and the entries that hand it over.
    files: [
      'src/config/**',
      'src/main.ts',
      'src/claude-code.ts',
      'test/**',
      'bench/**',
      'scripts/**',
      '**/*.spec.ts',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // What runs in a terminal and talks to the reader.
    files: ['scripts/**', 'test/support/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**', '**/*.spec.ts'],
    rules: {
      // Bodies of answers and mocks are `any` by their types; the assertion is what checks them.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // A test may say "it is there" where a failing assertion would come next anyway.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Stand-ins implement async ports without waiting for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    rules: {
      // The compiler checks these files as well and knows Node's globals.
      'no-undef': 'off',
      // JSON.parse and untyped tool configurations; JSDoc has no cheap way to narrow them.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
