import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import { format, resolveConfig } from 'prettier';
import type { Command } from 'commander';
import { EXIT_MEANINGS, exitCodeOf } from '../../src/cli/exit-codes.js';
import type { Host } from '../../src/cli/host.js';
import { Terminal } from '../../src/cli/output/terminal.js';
import { buildProgram } from '../../src/cli/program.js';
import { CONFIG_FILE_KEYS } from '../../src/cli/settings.js';
import { decide } from '../../src/agents/hybrid/decision.js';
import { Config } from '../../src/config/config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { ERROR_CATALOGUE, type ErrorCode } from '../../src/errors/catalogue.js';
import { openApiDocument } from '../../src/openapi.js';
import { categoryOf, declaredCases } from '../../scripts/test/cases.mjs';
import { VERSION } from '../../src/version.js';
import { type Caisson, startCaisson } from '../support/caisson.js';
import { SIXTY_REQUESTS } from '../support/sixty-requests.js';

const ROOT = join(__dirname, '..', '..');

/** `npm run docs` writes what this test would otherwise find stale. */
const UPDATE = process.env.UPDATE_DOCS === '1';

async function expectCurrent(file: string, content: string): Promise<void> {
  const path = join(ROOT, file);
  const formatted = await format(content, { ...(await resolveConfig(path)), filepath: path });
  if (UPDATE) await writeFile(path, formatted);
  // Stale? `npm run docs` writes it anew.
  expect(await readFile(path, 'utf8')).toBe(formatted);
}

/** Between them, docs/SECURITY.md holds what is made from the specs. */
const MARKS = /<!-- cases -->|<!-- end of cases -->/;

const cell = (text: string) => text.replaceAll('|', '\\|');

describe('the documents that are made from the code', () => {
  it('docs/SETTINGS.md names every setting, its default and its meaning', async () => {
    const rows = Object.entries(SETTINGS).map(([name, setting]) => {
      const fallback =
        'default' in setting ? (setting.default === '' ? 'empty' : `\`${setting.default}\``) : 'none';
      const file = 'secret' in setting ? ` Also as \`${name}_FILE\`.` : '';
      return `| \`${name}\` | ${cell(fallback)} | ${cell(setting.about)}${file} |`;
    });
    await expectCurrent(
      'docs/SETTINGS.md',
      [
        '# Settings',
        '',
        'Environment variables. An empty value counts as not set. A secret can be given as `NAME_FILE`, the path of a file',
        'that holds it. A wrong value stops the start with one message that lists every wrong variable.',
        '',
        '| variable | default | meaning |',
        '| --- | --- | --- |',
        ...rows,
        '',
        'This table is made from `src/config/settings.ts` (`npm run docs`).',
        '',
      ].join('\n'),
    );
  });

  it('docs/ERRORS.md names every error', async () => {
    const rows = Object.entries(ERROR_CATALOGUE).map(
      ([code, { name, status, when }]) => `| ${code} | ${name} | ${status} | ${cell(when)} |`,
    );
    await expectCurrent(
      'docs/ERRORS.md',
      [
        '# Errors',
        '',
        'Every error is the response envelope with `success: false` and `error: {code, message, details?}`, over HTTP with the',
        'status below, over socket.io in the acknowledgement and as `claude-code-error`.',
        '',
        '| code | name | HTTP | when |',
        '| --- | --- | --- | --- |',
        ...rows,
        '',
        'This table is made from `src/errors/catalogue.ts` (`npm run docs`).',
        '',
      ].join('\n'),
    );
  });

  it('docs/SECURITY.md has a table of every numbered case', async () => {
    const cases = declaredCases();
    expect(cases.length).toBeGreaterThan(100);
    const tables = (['attack', 'fault'] as const).flatMap((folder) => [
      `### \`npm run test:${folder}\``,
      '',
      '| id | category | case | in |',
      '| --- | --- | --- | --- |',
      ...cases
        .filter((one) => one.folder === folder)
        .map((one) => `| ${one.id} | ${categoryOf(one)} | ${cell(one.title)} | \`${basename(one.file)}\` |`),
      '',
    ]);
    const [before, , after] = (await readFile(join(ROOT, 'docs/SECURITY.md'), 'utf8')).split(MARKS);
    await expectCurrent(
      'docs/SECURITY.md',
      `${before}<!-- cases -->\n\n${tables.join('\n')}\n<!-- end of cases -->${after}`,
    );
  });

  it('docs/CLI.md names every command, option and exit code', async () => {
    const host = {} as Host;
    const terminal = new Terminal(process);
    const program = buildProgram(
      { name: 'claude-code', args: [], env: {}, streams: process, host },
      terminal,
      () => undefined,
    );
    const help = program.createHelp();
    const options = (command: Command) =>
      command.options.map(
        (option) => `| \`${cell(option.flags)}\` | ${cell(help.optionDescription(option))} |`,
      );
    const table = (rows: string[]) => (rows.length === 0 ? [] : ['| | |', '| --- | --- |', ...rows, '']);
    const commands = program.commands.flatMap((command) => [
      `### \`${help.commandUsage(command)}\``,
      '',
      `${help.commandDescription(command).replace(/^./, (letter) => letter.toUpperCase())}.`,
      '',
      ...table([
        ...command.registeredArguments.map(
          (argument) => `| \`${argument.name()}\` | ${cell(help.argumentDescription(argument))} |`,
        ),
        ...options(command),
      ]),
    ]);
    const errors = Object.entries(ERROR_CATALOGUE).map(
      ([code, { name, when }]) => `| ${exitCodeOf(code as ErrorCode)} | ${code} ${name}: ${cell(when)} |`,
    );
    const own = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`);
    const [before, , after] = (await readFile(join(ROOT, 'docs/CLI.md'), 'utf8')).split(
      /<!-- commands -->|<!-- end of commands -->/,
    );
    await expectCurrent(
      'docs/CLI.md',
      [
        `${before}<!-- commands -->`,
        '',
        `The file may hold ${CONFIG_FILE_KEYS.map((key) => `\`${key}\``).join(', ')}.`,
        '',
        '## Options of every command',
        '',
        ...table(options(program)),
        '## Commands',
        '',
        ...commands,
        '## Exit codes',
        '',
        '| code | when |',
        '| --- | --- |',
        ...own,
        ...errors,
        '',
        `<!-- end of commands -->${after}`,
      ].join('\n'),
    );
  });

  it('docs/ENGINES.md shows what hybrid decides', async () => {
    const { HYBRID_WEIGHTS, HYBRID_THRESHOLD } = Config.from({}).values;
    const rows = SIXTY_REQUESTS.map(({ entries, expected: _, ...asked }, index) => {
      const { engine, score, reasons } = decide(
        asked,
        { entries, whole: true },
        HYBRID_WEIGHTS,
        HYBRID_THRESHOLD,
      );
      const named = asked.files.length === 0 ? '' : ` (${asked.files.length} named)`;
      const prompt = asked.prompt.replaceAll(/\s+/g, ' ');
      const why = reasons.map((reason) => reason.replace(/:.*$/s, '')).join(', ');
      return `| ${index + 1} | ${asked.command} | ${cell(prompt)} | ${entries}${named} | ${score} | \`${engine}\` | ${why} |`;
    });
    const [before, , after] = (await readFile(join(ROOT, 'docs/ENGINES.md'), 'utf8')).split(
      /<!-- decisions -->|<!-- end of decisions -->/,
    );
    await expectCurrent(
      'docs/ENGINES.md',
      [
        `${before}<!-- decisions -->`,
        '',
        '|  | command | prompt | files | points | engine | for |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        ...rows,
        '',
        `<!-- end of decisions -->${after}`,
      ].join('\n'),
    );
  });

  it('the version is that of package.json', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
  });

  describe('openapi.json', () => {
    let caisson: Caisson;
    beforeAll(async () => {
      caisson = await startCaisson();
    });
    afterAll(() => caisson.clear());

    it('is what the server answers at /docs-json', async () => {
      const document = openApiDocument(caisson.app);
      await expectCurrent('openapi.json', JSON.stringify(document));
      const served = await fetch(`${caisson.url}/docs-json`);
      expect(await served.json()).toEqual(JSON.parse(JSON.stringify(document)));
    });

    it('has its types in src/client/api.ts', async () => {
      const document = JSON.parse(await readFile(join(ROOT, 'openapi.json'), 'utf8')) as OpenAPI3;
      const types = astToString(
        await openapiTS(document, { emptyObjectsUnknown: true, defaultNonNullable: false }),
      );
      const about = '/** The types of the API, made from openapi.json (`npm run docs`). */\n';
      await expectCurrent('src/client/api.ts', about + types);
    });

    it('has request examples that run as they stand', async () => {
      const document = openApiDocument(caisson.app);
      const body = document.paths['/api/claude-code']?.post?.requestBody;
      if (body === undefined || '$ref' in body) throw new Error('no request body documented');
      const examples = Object.values(body.content['application/json']?.examples ?? {});
      expect(examples.length).toBeGreaterThanOrEqual(4);
      for (const example of examples) {
        if ('$ref' in example) throw new Error('a reference is no example');
        const { status, body: answer } = await caisson.admin.call('POST', '/api/claude-code', example.value);
        expect({ status, error: answer.error }).toEqual({ status: 200, error: undefined });
      }
    });
  });
});
