/** Sixty requests of all kinds, and who should carry them out: docs/ENGINES.md shows what the engine `hybrid` decides. */
import type { Asked, Decision } from '../../src/agents/hybrid/decision.js';

export interface KnownRequest extends Asked {
  /** Files in the workspace. */
  entries: number;
  expected: Decision['engine'];
}

type More = Partial<Pick<KnownRequest, 'files' | 'hosts'>> & { fix?: boolean };

const request =
  (expected: Decision['engine']) =>
  (
    command: string,
    entries: number,
    prompt: string,
    { files = [], hosts = false, fix = false }: More = {},
  ): KnownRequest => ({
    command,
    prompt,
    access: command === 'generate' || command === 'refactor' || fix ? 'read-write' : 'read-only',
    files,
    hosts,
    entries,
    expected,
  });
const simple = request('messages');
const hard = request('claude-code');

const sources = (count: number) => Array.from({ length: count }, (_, index) => `src/part-${index + 1}.ts`);

export const SIXTY_REQUESTS: readonly KnownRequest[] = [
  // generate
  simple('generate', 0, 'Create hello.ts with a function that greets by name'),
  simple('generate', 12, 'Write a function that validates an IBAN, in src/iban.ts'),
  simple('generate', 40, 'Add a README with a short introduction and a usage example'),
  simple('generate', 80, 'Write a Dockerfile for this Node service'),
  simple('generate', 300, 'Add a DTO for orders in src/orders/order.dto.ts, like those beside it'),
  simple('generate', 1500, 'Write unit tests for src/price.ts', { files: ['src/price.ts'] }),
  simple('generate', 20, 'A Python script that renames photos by their date, without running it'),
  simple('generate', 5, 'Write a regular expression that finds German phone numbers and explain it'),
  simple('generate', 60, 'Create a React component for a date picker'),
  simple('generate', 12_000, 'Add a .editorconfig for TypeScript and YAML'),
  simple('generate', 250, 'A SQL migration that adds a column "archived" to the table orders'),
  simple('generate', 30, 'Write a GitHub workflow that checks types and tests on each push'),
  hard('generate', 90, 'Write tests for src/price.ts and run them until they pass'),
  hard('generate', 10, 'Set up a new NestJS project here: npm init, install what is needed, start it once'),
  hard('generate', 400, 'Add a health endpoint and make sure that the build passes'),
  hard('generate', 700, 'Install zod and use it to validate the request bodies'),
  hard('generate', 2400, 'Add tracing spans to all route handlers across the application'),
  hard('generate', 150, 'Write a benchmark for the parser, run it and put the figures into BENCH.md'),
  hard('generate', 50, 'Fetch the OpenAPI document and make a client of it', { hosts: true }),
  hard(
    'generate',
    1200,
    'Port the whole backend from Express to Fastify:\n1. replace the server\n2. move the middlewares\n3. adapt the tests',
  ),
  // analyze
  simple('analyze', 8, 'Explain what this project does'),
  simple('analyze', 35, 'How does src/queue.ts decide who comes next?', { files: ['src/queue.ts'] }),
  simple(
    'analyze',
    600,
    'What does the function settle in src/billing/settle.ts return when the amount is zero?',
  ),
  simple('analyze', 90, 'Draw the dependencies between the modules in src/core'),
  simple('analyze', 3000, 'Is the regular expression in src/url.ts open to backtracking?', {
    files: ['src/url.ts'],
  }),
  simple('analyze', 20, 'Which of these two parsers is easier to test?', { files: ['a.py', 'b.py'] }),
  simple('analyze', 250, 'Summarize the public interface of src/client.ts for a newcomer'),
  simple('analyze', 60, 'Explain the entire project to a new colleague'),
  simple('analyze', 40, 'What is missing in the tests of src/cart.ts?', { files: ['src/cart.ts'] }),
  simple('analyze', 500, 'Where are amounts rounded, and are they rounded alike?'),
  hard('analyze', 6000, 'Explain the architecture of the whole system and where it is weak'),
  hard('analyze', 800, 'Why is the test of the scheduler flaky? Run it some times and tell'),
  hard('analyze', 400, 'Look at git blame and git log: who knows the payment code best?'),
  hard('analyze', 300, 'Profile the import of 10 000 rows and say where the time goes'),
  hard('analyze', 15_000, 'Find every place where user input reaches a shell, throughout the code base'),
  // refactor
  simple('refactor', 10, 'Rename add to sum in src/add.js', { files: ['src/add.js'] }),
  simple('refactor', 60, 'Use async/await instead of callbacks in src/io.js'),
  simple('refactor', 200, 'Split the function handle in src/server.ts into smaller ones', {
    files: ['src/server.ts'],
  }),
  simple('refactor', 1800, 'Extract the price rules of src/cart.ts into src/rules.ts'),
  simple('refactor', 40, 'Shorter names for the local variables in lib/matrix.py', {
    files: ['lib/matrix.py'],
  }),
  simple('refactor', 300, 'Replace the switch in src/shape.ts by a table'),
  simple('refactor', 25, 'Turn the classes in src/model.rb into modules'),
  simple('refactor', 90, 'Remove dead code from src/legacy.ts', { files: ['src/legacy.ts'] }),
  hard('refactor', 900, 'Rename the class User to Account everywhere'),
  hard('refactor', 300, 'Convert all tests from mocha to vitest'),
  hard('refactor', 2000, 'Migrate from moment to date-fns'),
  hard('refactor', 120, 'Make the functions in src/math.ts pure, then run the test suite'),
  hard('refactor', 4000, 'Use dependency injection in all services of the application'),
  hard('refactor', 1500, 'Bring these into one style, then sort their imports, then shorten them', {
    files: sources(12),
  }),
  hard('refactor', 80, 'Upgrade to ESLint 10: npm install, adapt the configuration, fix what it finds'),
  // review
  simple('review', 15, 'Review src/hello.ts', { files: ['src/hello.ts'] }),
  simple('review', 700, 'Review src/auth/token.ts for security problems', { files: ['src/auth/token.ts'] }),
  simple('review', 40, 'Is the error handling in src/db.go sound?'),
  simple('review', 120, 'Review these before they are merged', { files: sources(5) }),
  simple('review', 30, 'Mend the obvious problems in src/form.tsx', { files: ['src/form.tsx'], fix: true }),
  simple('review', 90, 'Look for races in src/cache.rs', { files: ['src/cache.rs'] }),
  hard('review', 3500, 'Review the entire code base for injection'),
  hard('review', 200, 'Review the last commits: git diff main', {}),
  hard('review', 500, 'Review and fix all modules below src, and verify that the tests still pass', {
    fix: true,
  }),
  hard('review', 1100, 'Fix the failing tests', { fix: true }),
];
