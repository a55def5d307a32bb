/** Real: the Claude Code CLI, its tools, the gateway and its socket. Not real: the model. No sandbox. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Config } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { ModelGatewayModule } from '../../src/model-gateway/model-gateway.module.js';
import { ModelGateway, type ModelRoute } from '../../src/model-gateway/model-gateway.js';
import { type CliOrder, runClaude } from '../support/claude-cli.js';

describe('the rehearsal drives the real CLI', () => {
  let ground: string;
  let cwd: string;
  let module: TestingModule;
  let gateway: ModelGateway;
  let route: ModelRoute;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    ground = await mkdtemp(join(tmpdir(), 'caisson-rehearsal-'));
    const config = Config.from({ CAISSON_DATA: ground });
    module = await Test.createTestingModule({
      imports: [ConfigModule.register(config), ModelGatewayModule],
    }).compile();
    await module.init();
    gateway = module.get(ModelGateway);
  });
  afterAll(async () => {
    await module.close();
    await rm(ground, { recursive: true });
  });
  beforeEach(async () => {
    cwd = await mkdtemp(join(ground, 'w'));
    route = await gateway.open({});
    route.bind({ executionId: 'test' });
  });
  afterEach(() => route.close());

  const run = (order: Omit<CliOrder, 'socketPath' | 'cwd'>) =>
    runClaude({ socketPath: route.socketPath, cwd, ...order });

  it('generate writes a file, and writes it again when it is there', async () => {
    const prompt = 'Write a greeting in Python.';
    const first = await run({ command: 'generate', prompt });
    expect(first.tools).toEqual(['Write']);
    expect(await readFile(join(cwd, 'hello.py'), 'utf8')).toContain('def greet');
    expect(route.usage()).toMatchObject({ rehearsal: { costUsd: 0 } });
    // This model's profile of the CLI wants a file read before it is overwritten.
    const again = { command: 'generate', prompt: `${prompt} Once more.`, model: 'claude-haiku-4-5' };
    const second = await run(again);
    expect(second.tools).toEqual(['Write', 'Read', 'Write']);
    expect(await readFile(join(cwd, 'hello.py'), 'utf8')).toContain('Once more');
    expect(second.text).toContain('hello.py');
  });

  it('analyze looks at the files and answers an object of the schema', async () => {
    await writeFile(join(cwd, 'sum.ts'), 'export const sum = (a: number, b: number) => a + b;\n');
    const schema = {
      type: 'object',
      properties: {
        summary: { type: 'string' },
        files: {
          type: 'array',
          items: {
            type: 'object',
            properties: { path: { type: 'string' }, language: { type: 'string' } },
            required: ['path'],
          },
        },
      },
      required: ['summary', 'files'],
    };
    const { structured, tools } = await run({ command: 'analyze', prompt: 'What is here?', schema });
    expect(tools).toEqual(['Bash', 'Read', 'StructuredOutput']);
    expect(structured).toMatchObject({ files: [{ path: 'sum.ts', language: 'TypeScript' }] });
  });

  it('review looks and answers an object of the schema', async () => {
    await writeFile(join(cwd, 'a.py'), 'print(1)\n');
    const issue = {
      type: 'object',
      properties: {
        file: { type: 'string' },
        line: { type: 'integer', minimum: 1 },
        severity: { enum: ['low', 'high'] },
      },
      required: ['file', 'severity'],
    };
    const schema = {
      type: 'object',
      properties: { suggestions: { type: 'array', items: issue } },
      required: ['suggestions'],
    };
    const { structured } = await run({ command: 'review', prompt: 'Review it', schema });
    expect(structured).toEqual({ suggestions: [{ file: 'a.py', line: 1, severity: 'low' }] });
  });

  it('refactor reads a file and edits it', async () => {
    await writeFile(join(cwd, 'one.ts'), 'export const one = 1;\n');
    await writeFile(join(cwd, 'two.ts'), 'export const two = 2;\n');
    const { tools } = await run({ command: 'refactor', prompt: 'Tidy up two.ts' });
    expect(tools).toEqual(['Bash', 'Read', 'Edit']);
    expect(await readFile(join(cwd, 'two.ts'), 'utf8')).toBe(
      '// Refactored in rehearsal: Tidy up two.ts\nexport const two = 2;\n',
    );
    expect(await readFile(join(cwd, 'one.ts'), 'utf8')).toBe('export const one = 1;\n');
  });

  it('a script runs step by step over the turns', async () => {
    const prompt = [
      'Some framing that is no script.',
      '@think hm',
      '@tool Write {"file_path":"' + join(cwd, 'a.txt') + '","content":"1"}',
      '@tool Bash {"command":"echo 2 > b.txt"}',
      '@deltas 3 of "ha"',
    ].join('\n');
    const { tools, text } = await run({ prompt });
    expect(tools).toEqual(['Write', 'Bash']);
    expect(text).toBe('hahaha');
    expect((await readdir(cwd)).filter((name) => name.endsWith('.txt'))).toEqual(['a.txt', 'b.txt']);
  });

  it('@structured gives the object, and a script without it gives one that fits', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
    expect((await run({ prompt: '@structured {"a":"mine"}', schema })).structured).toEqual({ a: 'mine' });
    const { structured } = await run({ prompt: '@text hello', schema });
    expect(structured).toEqual({ a: expect.any(String) });
  });

  it('a failure that passes is not seen by the CLI; one that stays ends it, and the route names the cause', async () => {
    expect((await run({ prompt: '@status 529 times 1 retry-after 0\n@text there' })).text).toBe('there');
    expect(route.failure()).toBeUndefined();
    const { error } = await run({ prompt: '@status 429 retry-after 0' });
    expect(error).toContain('429');
    expect(route.failure()).toMatchObject({ code: 'E002', retryAfter: 0 });
  });

  it('the CLI asks again when an answer is cut', async () => {
    expect((await run({ prompt: '@text half\n@cut times 1\n@text whole' })).text).toContain('whole');
  });

  it('the CLI comes to an end when the output tokens are used up', async () => {
    const limited = await gateway.open({});
    limited.bind({ executionId: 'limited', maxOutputTokens: 500 });
    const { error } = await runClaude({ socketPath: limited.socketPath, cwd, prompt: '@deltas 5000' });
    expect(error).toContain('402');
    expect(limited.failure()).toMatchObject({ code: 'E011' });
    expect(limited.usage().rehearsal?.outputTokens).toBe(500);
    await limited.close();
  });

  it('@echo-request shows what reached the model', async () => {
    const { text } = await run({ prompt: '@echo-request', command: 'generate', model: 'claude-haiku-4-5' });
    const facts = JSON.parse(text) as { model: string; tools: string[]; system: string[]; user: string };
    expect(facts.model).toBe('claude-haiku-4-5');
    expect(facts.tools).toContain('Bash');
    expect(facts.user).toBe('@echo-request');
    expect(facts.system.join('\n')).toContain('Caisson command: generate');
  });
});
